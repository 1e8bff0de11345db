"""Named checks: run on a subject they pass silently or raise with what to change."""

import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from tlx.contract import Strategy
from tlx.data.task import Dataset
from tlx.errors import PluginError, nearest
from tlx.testing.backbone import BACKBONE_CHECKS
from tlx.testing.dataset import DATASET_CHECKS
from tlx.testing.strategy import STRATEGY_CHECKS

Check = Callable[[Any], None]


class CheckResult(NamedTuple):
    """The outcome of one check; `message` says what to change, or why it fails as expected.

    A subject may have an attribute `expected_failed_checks`, of the reason by the name of a check. Such a check passes
    if it fails.
    """

    name: str
    passed: bool
    message: str


def check_strategy(subject: type[Strategy] | Strategy) -> list[CheckResult]:
    """The results of every strategy check on a class decorated with `@strategy`, or an instance of one."""
    return _results(subject, STRATEGY_CHECKS)


def check_backbone(subject: Callable) -> list[CheckResult]:
    """The results of every backbone check on a callable `(shape, rngs) -> nnx.Module`."""
    return _results(subject, BACKBONE_CHECKS)


def check_dataset(subject: Callable[[], Dataset] | Dataset) -> list[CheckResult]:
    """The results of every dataset check on a Dataset, or on the function that gives it."""
    return _results(subject, DATASET_CHECKS)


def _results(subject: Any, checks: Iterable[Check]) -> list[CheckResult]:
    expected = _expected(subject, checks)
    results = []
    for check in checks:
        name = check.__name__
        try:
            check(subject)
            message = f"it passes: take it out of expected_failed_checks ({expected[name]})" if name in expected else ""
            results.append(CheckResult(name, not message, message))
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # SystemExit too
            kind = "" if isinstance(error, AssertionError) else f"{type(error).__name__}: "
            message = f"fails as expected: {expected[name]}" if name in expected else f"{kind}{error}"
            results.append(CheckResult(name, name in expected, message))
    return results


def _expected(subject: Any, checks: Iterable[Check]) -> Mapping[str, str]:
    """The reasons by check. Raises PluginError for a check that there is none of."""
    expected = getattr(subject, "expected_failed_checks", {})
    names = [check.__name__ for check in checks]
    for name in expected:
        if name not in names:
            guess = " or ".join(nearest(name, names)) or ", ".join(names)
            raise PluginError(f"expected_failed_checks of {subject!r}: there is no check '{name}'; nearest: {guess}")
    return expected


def checks_of(subject: Any) -> tuple[Check, ...]:
    """The checks that fit a subject: a strategy, a backbone or a dataset. Raises PluginError for anything else."""
    if isinstance(subject, Strategy) or (isinstance(subject, type) and issubclass(subject, Strategy)):
        return STRATEGY_CHECKS
    if isinstance(subject, Dataset):
        return DATASET_CHECKS
    if callable(subject):
        needed = [p for p in inspect.signature(subject).parameters.values() if p.default is p.empty]
        return BACKBONE_CHECKS if needed else DATASET_CHECKS
    raise PluginError(f"{subject!r} is no strategy, backbone `(shape, rngs)`, or dataset function without arguments")


def parametrize_with_checks(subjects: Iterable[Any]):
    """A pytest decorator: the test gets `subject` and `check` for every check of every subject.

    Those of a subject's `expected_failed_checks` have to fail.
    """
    import pytest

    params = []
    for subject in subjects:
        checks = checks_of(subject)
        expected = _expected(subject, checks)
        for check in checks:
            name = check.__name__
            marks = [pytest.mark.xfail(reason=expected[name], strict=True)] if name in expected else []
            params.append(
                pytest.param(subject, check, id=f"{getattr(subject, '__name__', subject)}-{name}", marks=marks)
            )
    return pytest.mark.parametrize(("subject", "check"), params)
