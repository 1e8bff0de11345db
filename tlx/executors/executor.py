"""What an executor is, the one that every session has, and how one is made from a name and options."""

import dataclasses
import typing
from collections.abc import Iterator, Sequence

from tlx.errors import SettingError, nearest
from tlx.plugins import Registry
from tlx.runs.convert import as_text, convert, type_name
from tlx.runs.resolve import Job
from tlx.runs.result import Result
from tlx.runs.runner import Runner
from tlx.runs.settings import Settings, key_values


class Executor:
    """Where runs take place: a frozen dataclass, whose fields are its options.

    Example:
        @dataclass(frozen=True)
        class Mine(Executor):
            jobs: int = 2
    """

    def map(self, run: Runner, groups: Sequence[Sequence[Job]]) -> Iterator[Result]:
        """Runs every group of jobs, as `run.grid` does, and yields the results as they come, in any order.

        The jobs of a group share compiled programs. What goes elsewhere is JSON: `run.to_json()` and the jobs'
        `spec.to_json()`; there `Runner.from_json` and `rebuild` make the same of it.

        Raises:
            TlxError: nothing can run so.
        """
        raise NotImplementedError


@dataclasses.dataclass(frozen=True)
class Serial(Executor):
    """One group after the other, in this process."""

    def map(self, run: Runner, groups: Sequence[Sequence[Job]]) -> Iterator[Result]:
        """Yields the results of each group before the next one starts."""
        for group in groups:
            yield from run.grid(group)


def make_executor(registry: Registry, name: str, options: Settings = ()) -> Executor:
    """The executor of that name with options, as texts "key=value" or values by name.

    Raises:
        UnknownName, PluginError: there is none, or it fails to load.
        SettingError: an unknown option, one that comes twice, a wrong type or value; the message lists the options.
    """
    kind: typing.Any = registry.get("executors", name)
    hints = typing.get_type_hints(kind)
    fields = {field.name: field for field in dataclasses.fields(kind)}
    listed = [f"{key}: {type_name(hints[key])} = {as_text(field.default)}" for key, field in fields.items()]
    known = f"Its options: {'; '.join(listed)}." if listed else "It has no options."
    try:
        given = {}
        for key, value in key_values(options, "option"):
            if key not in fields:
                guess = nearest(key, fields)
                hint = f" Did you mean {' or '.join(guess)}?" if guess else ""
                raise SettingError(f"Executor '{name}' has no option '{key}'.{hint} {known}")
            try:
                given[key] = convert(value, hints[key], key, texts=True)
            except ValueError:
                raise ValueError(f"got '{value}' for {key}; expected {type_name(hints[key])}") from None
        return kind(**given)
    except ValueError as error:
        raise SettingError(f"Executor '{name}': {error}. {known}") from None
