"""What an executor is, the one that every session has, and how one is made from a name and options."""

import dataclasses
import functools
import itertools
import tomllib
import typing
from collections.abc import Iterator, Sequence
from pathlib import Path

import yaml

from tlx.errors import SettingError, nearest
from tlx.plugins import Registry
from tlx.runs.convert import as_text, convert, default, type_name
from tlx.runs.overrides import Overrides
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
        """Yields the results of each group before the next one starts, whose programs are compiled meanwhile."""
        for group, following in itertools.zip_longest(groups, groups[1:], fillvalue=()):
            yield from run.grid(group, following)


def make_executor(registry: Registry, name: str, options: Settings = ()) -> Executor:
    """The executor of that name with options, as texts "key=value" or values by name.

    Raises:
        UnknownName, PluginError: there is none, or it fails to load.
        SettingError: an unknown option, one that comes twice, a wrong type or value; the message lists the options.
    """
    kind: typing.Any = registry.get("executors", name)
    return _make(kind, kind, name, options)


def options_for(executor: Executor, job: Job) -> typing.Any:
    """The executor with the options that its own option `overrides` gives for a job: see `tlx.runs.overrides`.

    Raises:
        SettingError: an unknown option, or a wrong type or value; the message lists the options.
    """
    overrides: typing.Any = getattr(executor, "overrides")  # noqa: B009  # of those that have it
    changes = Overrides(overrides).of(job.task.name, job.task.protocol.id, job.spec.strategy)
    kind: typing.Any = type(executor)
    make: typing.Any = functools.partial(dataclasses.replace, typing.cast(typing.Any, executor))
    return _make(make, kind, kind.__name__.lower(), changes)


def read_options(path: str | Path, others: Settings = ()) -> tuple[str | None, dict[str, typing.Any]]:
    """The executor that a file in YAML or TOML names as "executor", if any, and its options; those in `others` win.

    Raises:
        SettingError: the file cannot be read, or holds something else.
    """
    try:
        text = Path(path).read_text()
        options = tomllib.loads(text) if Path(path).suffix == ".toml" else yaml.safe_load(text)
        if not isinstance(options, dict) or not all(isinstance(key, str) for key in options):
            raise ValueError(f"it holds {options!r:.60}; expected options of an executor, as `timeout_min: 60`")
        if not isinstance(name := options.pop("executor", ""), str):
            raise ValueError(f"executor is {name!r:.60}; expected its name")
        return name or None, options | dict(key_values(others, "option"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise SettingError(f"Options of an executor, {path}: {error}.") from None


def _make(make: typing.Any, kind: type, name: str, options: Settings) -> typing.Any:
    """What `make` gives for the options, which have the types that the fields of a class say."""
    hints = typing.get_type_hints(kind)
    fields = {field.name: field for field in dataclasses.fields(kind)}
    defaults = {key: as_text(default(field)) for key, field in fields.items()}
    listed = "; ".join(f"{key}: {type_name(hints[key])} = {text}" for key, text in defaults.items())
    known = f"Its options: {listed}." if listed else "It has no options."
    given = {}
    try:
        for key, value in key_values(options, "option"):
            if key not in fields:
                guess = nearest(key, fields)
                hint = f" Did you mean {' or '.join(guess)}?" if guess else ""
                raise SettingError(f"Executor '{name}' has no option '{key}'.{hint} {known}")
            try:
                given[key] = convert(value, hints[key], key, texts=True)
            except ValueError:
                raise ValueError(f"got '{value}' for {key}; expected {type_name(hints[key])}") from None
        return make(**given)
    except ValueError as error:
        raise SettingError(f"Executor '{name}': {error}. {known}") from None
