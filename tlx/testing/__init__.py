"""The conformance kit that plugin authors run: the checks that every built-in passes.

`check_strategy(MyStrategy)` gives a list of `CheckResult`; in a test file,

    from tlx.testing import parametrize_with_checks

    @parametrize_with_checks([MyStrategy, MyBackbone, my_dataset])
    def test_conformance(subject, check):
        check(subject)
"""

from tlx.testing.checks import (
    CheckResult,
    check_backbone,
    check_dataset,
    check_strategy,
    checks_of,
    parametrize_with_checks,
)

__all__ = ["CheckResult", "check_backbone", "check_dataset", "check_strategy", "checks_of", "parametrize_with_checks"]
