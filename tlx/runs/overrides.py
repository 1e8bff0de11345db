"""What changes for some tasks and some strategies: one way to say it, for suites and for published tables."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tlx.errors import SettingError, nearest
from tlx.runs.spec import full_name

Change = Mapping[str, Any]


class Overrides(Mapping[str, Change]):
    """Changes by strategy ("mmd"), by task ("a->b", "a->b@P"), or by both ("a->b mmd", "a->b@P mmd").

    All changes whose key holds for a run are merged; the later one in that order wins. `|` adds others, which win.

    Example:
        Overrides({"mmd": {"settings": {"weight": 2.0}}, "a->b": {"recipe": {"lr": 0.1}}})
    """

    def __init__(self, changes: Mapping[str, Change] | None = None):
        self._changes = {key: dict(change) for key, change in (changes or {}).items()}

    def __getitem__(self, key: str) -> Change:
        return self._changes[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._changes)

    def __len__(self) -> int:
        return len(self._changes)

    def __repr__(self) -> str:
        return f"Overrides({self._changes!r})"

    def __or__(self, others: Mapping[str, Change]) -> "Overrides":
        keys = dict.fromkeys((*self, *others))
        return Overrides({key: _merge(self.get(key, {}), others.get(key, {})) for key in keys})

    def of(self, task: str, protocol: str, strategy: str = "") -> dict[str, Any]:
        """The merged changes for a task, by its name in normal form without the protocol, and for a strategy."""
        tasks = (task, full_name(task, protocol))
        merged: dict[str, Any] = {}
        for key in (strategy, *tasks, *(f"{name} {strategy}" for name in tasks)):
            merged = _merge(merged, self.get(key, {}))
        return merged

    def check(self, where: str, tasks: Iterable[str], strategies: Iterable[str], fields: Iterable[str]) -> None:
        """Refuses changes for what does not run, or of what does not change.

        Raises:
            SettingError: a key that is none of the tasks, strategies or both, or a field that is none of `fields`.
        """
        tasks, strategies, fields = list(tasks), list(strategies), list(fields)
        keys = [*strategies, *tasks, *(f"{task} {strategy}" for task in tasks for strategy in strategies)]
        for key, change in self.items():
            if key not in keys:
                guess = " or ".join(nearest(key, keys)) or ", ".join(keys)
                raise SettingError(f"{where}: overrides has '{key}', which it does not run; nearest: {guess}.")
            for field in change:
                if field not in fields:
                    raise SettingError(f"{where}: overrides of '{key}' has '{field}'; expected {' or '.join(fields)}.")


def _merge(first: Change, second: Change) -> dict[str, Any]:
    """Both, the second winning; mappings that both have are merged."""
    both = {
        key: {**first.get(key, {}), **value} if isinstance(value, Mapping) else value for key, value in second.items()
    }
    return {**first, **both}
