"""Named checks: run on a subject they pass silently or raise with what to change."""

import inspect
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from tlx.contract import Strategy
from tlx.data.task import Dataset
from tlx.errors import PluginError
from tlx.testing.backbone import BACKBONE_CHECKS
from tlx.testing.dataset import DATASET_CHECKS
from tlx.testing.strategy import STRATEGY_CHECKS

Check = Callable[[Any], None]


class CheckResult(NamedTuple):
    """The outcome of one check; `message` says what to change, and is empty where it passed."""

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
    results = []
    for check in checks:
        try:
            check(subject)
            results.append(CheckResult(check.__name__, True, ""))
        except Exception as error:
            kind = "" if isinstance(error, AssertionError) else f"{type(error).__name__}: "
            results.append(CheckResult(check.__name__, False, f"{kind}{error}"))
    return results


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
    """A pytest decorator: the test gets `subject` and `check` for every check of every subject."""
    import pytest

    pairs = [(subject, check) for subject in subjects for check in checks_of(subject)]
    names = [f"{getattr(subject, '__name__', subject)}-{check.__name__}" for subject, check in pairs]
    return pytest.mark.parametrize(("subject", "check"), pairs, ids=names)
