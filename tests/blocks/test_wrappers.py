"""Strategies within others by name: settings, order, state, and what is refused."""

import pytest
from states import same

from tlx import ContractError
from tlx.plugins import Registry
from tlx.runs.fingerprint import fingerprint
from tlx.runs.settings import make_strategy, parse_settings, setting_fields
from tlx.testing import Probe
from tlx.testing.checks import checks_of

REGISTRY = Registry.load(environ={"TLX_PLUGINS": "strategies"})


def get(name: str):
    return REGISTRY.get("strategies", name)


def test_settings_have_the_names_of_their_parts():
    kind = get("dann+mcc+rs+rw")
    assert {"norm", "dann.weight", "mcc.temperature", "rw.estimator", "rw.calibration"} <= setting_fields(kind).keys()
    made, values = make_strategy(kind, parse_settings(kind, ["mcc.weight=0.5", "rw.estimator=mlls"]))
    assert dict(values)["mcc.weight"] == 0.5 and made.parts[0].parts[1].weight == 0.5  # pyright: ignore
    assert made.parts[2].estimator == "mlls"  # pyright: ignore
    assert "shot.pseudo" in setting_fields(get("shot+rw")) and "weight" not in setting_fields(get("dann+rs"))
    with pytest.raises(TypeError, match="has no setting weight"):
        get("dann+rs")(weight=1.0)


def test_any_program_is_wrapped_in_the_order_of_the_names():
    phases = Probe(get("shot+rs+rw")()).phases
    assert [phase.name for phase in phases] == [*(phase.name for phase in Probe(get("shot")()).phases), "estimate"]
    assert set(phases[-2].sweeps) == {"forward", "rs.labels"}
    assert get("rs+dann").kinds.keys() == get("dann+rs").kinds.keys() == {"dann", "rs"}
    assert [*get("rs+rw").kinds] == ["rs", "rw"]


def test_begins_as_what_it_wraps():
    """The trap: an extra of a wrapper that takes a key, and so another network."""
    plain, wrapped = (Probe(get(name)()) for name in ("dann", "dann+rw"))
    assert same(plain.begin().params, wrapped.begin().params)


def test_its_code_is_that_of_all_parts():
    prints = {fingerprint(get(name)) for name in ("dann", "dann+rs", "dann+rw", "dann+rs+rw", "mcc+rs")}
    assert len(prints) == 5 and "" not in prints


def test_two_programs_do_not_compose():
    with pytest.raises(ContractError, match="strategy 'shot\\+dann\\+rs': 'shot' is not cross-entropy on the source"):
        get("shot+dann+rs")


@pytest.mark.slow
def test_what_is_wrapped_passes_the_kit():
    kind = get("dann+mcc+rs+rw")
    for check in checks_of(kind):
        check(kind)
