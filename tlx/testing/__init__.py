"""What plugin authors test with: the conformance checks that every built-in passes, and a probe into a strategy.

`check_strategy(MyStrategy)` gives a list of `CheckResult`; in a test file,

    from tlx.testing import Probe, parametrize_with_checks

    @parametrize_with_checks([MyStrategy, MyBackbone, my_dataset])
    def test_conformance(subject, check):
        check(subject)

    def test_learns():
        probe = Probe(MyStrategy(weight=2.0))
        probe.begin()
        assert probe.value(state=probe.step())[0] < probe.value()[0]

Names are imported when first used: a probe needs no data.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tlx.testing.checks import (
        CheckResult,
        check_backbone,
        check_dataset,
        check_strategy,
        checks_of,
        parametrize_with_checks,
    )
    from tlx.testing.probe import Probe
    from tlx.testing.toy import TinyBN

__all__ = [
    "CheckResult",
    "Probe",
    "TinyBN",
    "check_backbone",
    "check_dataset",
    "check_strategy",
    "checks_of",
    "parametrize_with_checks",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = {"Probe": "probe", "TinyBN": "toy"}.get(name, "checks")
    return getattr(import_module(f"{__name__}.{home}"), name)
