"""The table of settings is read off the strategies, and agrees with what else is known of them."""

import json

import pytest
from documents import DOCS, load

from tlx.plugins import Registry

REGISTRY = Registry.load(environ={"TLX_PLUGINS": "strategies"})
NAMES = [entry.name for entry in REGISTRY.entries("strategies")]
RESULTS = DOCS.parent / "benchmarks/results/quick-all"


@pytest.fixture(scope="module")
def serves():
    return load("serves")


@pytest.fixture(scope="module")
def facts(serves):
    return {name: serves.facts(REGISTRY.get("strategies", name)) for name in NAMES}


def made_for(facts, column):
    return {name for name in NAMES if facts[name][column] == "●"}


@pytest.mark.slow
def test_every_strategy_has_a_row(serves, facts):
    rows = serves.table(REGISTRY.entries("strategies"), REGISTRY).splitlines()
    assert [row.split("`")[1] for row in rows[2:]] == NAMES
    assert len({row.count("|") for row in rows}) == 1


@pytest.mark.slow
def test_what_is_seen_is_what_the_committed_runs_were_shown(facts):
    """The engine wrote down what it showed: another way to the same fact."""
    told = [json.loads(path.read_text()) for path in RESULTS.glob("*.json")]
    assert len(told) > 60
    for result in told:
        if result["spec"]["strategy"] in facts:
            assert set(result["sees"]) == facts[result["spec"]["strategy"]]["sees"], result["spec"]["strategy"]


@pytest.mark.slow
def test_settings_agree_with_the_marks(facts):
    by_setting = {name: REGISTRY.get("strategies", name).setting for name in NAMES}
    assert made_for(facts, "stream") == {name for name in NAMES if by_setting[name] == "test-time"}
    assert {name for name in NAMES if by_setting[name] in ("source-free", "test-time")} <= made_for(
        facts, "source-free"
    )
    labelled = {"semi-supervised", "fine-tuning", "bound"}
    assert made_for(facts, "labelled target") == {name for name in NAMES if by_setting[name] in labelled}
    for name in NAMES:
        if by_setting[name] == "unsupervised":
            assert facts[name]["source-free"] == facts[name]["stream"] == ""


@pytest.mark.slow
def test_the_few_that_are_made_for_a_setting(facts):
    open_set = {"osbp", "ovanet", "max_energy", "max_entropy", "max_probability"}
    assert open_set <= made_for(facts, "open, universal") and not open_set & made_for(facts, "closed")
    shares = {
        "mlls",
        "bbse",
        "rlls",
        "rs",
        "rw",
        "iwdan",
        "iwcdan",
        "sdann",
        "asa",
        "ldam",
        "focal",
        "logit_adjustment",
    }
    assert shares <= made_for(facts, "other shares")
    assert not {"dann", "shot", "source_only", "tent", "pada"} & made_for(facts, "other shares")
    assert {"mdan", "m3sda", "mfsan", "irm", "group_dro"} == made_for(facts, "several sources")
    assert facts["target_only"]["several sources"] == ""
    assert made_for(facts, "new classes") == {"autonovel", "uno", "imprinted"}
