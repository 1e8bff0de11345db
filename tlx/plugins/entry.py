"""An entry: one name that a plugin registers, its target, and what is known of it without importing it."""

import functools
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from tlx.errors import DataError, PluginError
from tlx.plugins import target as targets


class Kind(NamedTuple):
    """What may be registered under one hook: `base` is the "module:Name" of the class that targets must have."""

    singular: str
    base: str
    expected: str


KINDS = {
    "strategies": Kind("strategy", "tlx.contract:Strategy", "a subclass of tlx.Strategy marked @tlx.strategy"),
    "backbones": Kind("backbone", "", "a class or function called as (in_shape, rngs)"),
    "datasets": Kind("dataset", "tlx.data.task:Dataset", "a function without arguments that returns a tlx.Dataset"),
    "protocols": Kind("protocol", "tlx.data.protocol:Protocol", "a tlx.Protocol"),
    "tasks": Kind("task", "tlx.data.shift:Task", "a tlx.Task"),
    "suites": Kind("suite", "tlx.runs.suite:Suite", "a tlx.Suite"),
    "selectors": Kind("selector", "tlx.score.selectors:Selector", "a subclass or an instance of tlx.Selector"),
    "scores": Kind(
        "score", "tlx.score.transferability:Transferability", "a subclass or an instance of tlx.Transferability"
    ),
    "tables": Kind("table", "tlx.reproduce.table:PublishedTable", "a tlx.PaperTable or a tlx.ProgramTable"),
    "executors": Kind("executor", "tlx.executors.executor:Executor", "a dataclass that is a tlx.executors.Executor"),
    "figures": Kind("figure", "", "a function called as (figure, view)"),
    "trackers": Kind("tracker", "", "a class or function called with what follows its name and a colon"),
    "recipes": Kind("recipe", "tlx.engine.recipe:Recipe", "a tlx.Recipe"),
}


class Problem(NamedTuple):
    """Something wrong with a plugin, in one line for the user; the other plugins go on."""

    plugin: str
    message: str
    cause: BaseException | None = None

    def __str__(self) -> str:
        return f"plugin '{self.plugin}': {self.message}"


@dataclass(frozen=True)
class Entry:
    """A registered name. `words` is the summary that it was registered with, if any.

    A dataset's name that ends in ":" is a prefix, which stands for all names that begin with it; `of` gives the entry
    of one, whose `rest` its target is called with.

    Raises:
        PluginError: the target is a malformed "module:Name", or an object of the wrong type.
    """

    kind: str
    name: str
    plugin: str
    target: object
    words: str = ""
    rest: str | None = None

    def __post_init__(self):
        if isinstance(self.target, str):
            targets.split(self.target)
        else:
            _check(self.kind, self.target)

    @property
    def summary(self) -> str:
        """One line: as registered, or the first docstring line of the target, read when it is asked for."""
        return self.words.strip() or self._described[0]

    @property
    def facts(self) -> Mapping[str, str]:
        """Of a strategy, its `setting` and `paper`, where they are constants of its class."""
        return self._described[1] if self.kind == "strategies" else {}

    @functools.cached_property
    def _described(self) -> tuple[str, dict[str, str]]:
        target = self.target
        return targets.describe(target) if isinstance(target, str) else targets.describe_object(target)

    @property
    def label(self) -> str:
        """Its kind and name, as messages write it."""
        return f"{KINDS[self.kind].singular} '{self.name}'"

    @property
    def is_prefix(self) -> bool:
        """Whether it stands for all names that begin with its own."""
        return self.rest is None and self.name.endswith(":")

    def of(self, name: str) -> "Entry":
        """The entry of a name that begins with this prefix."""
        return replace(self, name=name, rest=name.removeprefix(self.name))

    def source(self) -> Any:
        """What `load` makes the thing from: the target itself, imported; of a name with a prefix, what it gives for it.

        Raises:
            PluginError: as `load`.
            DataError: it is a prefix with nothing after it.
        """
        if self.is_prefix:
            words = f"The dataset name '{self.name}' is a prefix; expected more after it. {self.summary}"
            raise DataError(words.strip())
        try:
            loaded: Any = targets.resolve(self.target) if isinstance(self.target, str) else self.target
            _check(self.kind, loaded)
        except PluginError as error:
            raise self._error(error) from error.__cause__
        return loaded if self.rest is None else self._call(loaded, self.rest)

    def load(self) -> Any:
        """The target itself, imported if need be, of the right type; datasets are made, selector classes instantiated.

        Raises:
            PluginError: the import fails, the name is missing or its type is wrong; the message names the plugin.
        """
        loaded = self.source()
        if self.kind == "datasets":
            loaded = self._call(loaded) if callable(loaded) else loaded
            if not isinstance(loaded, targets.resolve(KINDS["datasets"].base)):
                raise self._error(f"it returned {_short(loaded)}; expected a tlx.Dataset")
        elif self.kind in ("selectors", "scores") and isinstance(loaded, type):
            loaded = self._call(loaded)
        return loaded

    def _call(self, function: Callable[..., Any], *args: Any) -> Any:
        """Calls a plugin's function; what would end the program, as SystemExit, is a PluginError."""
        try:
            return function(*args)
        except (Exception, KeyboardInterrupt):
            raise
        except BaseException as error:
            raise self._error(f"it raised {type(error).__name__}: {error}") from error

    def _error(self, what: object) -> PluginError:
        return PluginError(f"plugin '{self.plugin}', {self.label}: {what}")


def _check(kind: str, loaded: Any) -> None:
    """Raises PluginError where an object is not what may be registered under a kind."""
    module, _, name = KINDS[kind].base.partition(":")
    # A module that is not loaded has no instances yet: there is no need to import JAX to know.
    base = getattr(sys.modules.get(module), name, ()) if name else ()
    is_class = isinstance(loaded, type) and issubclass(loaded, base)
    if kind in ("backbones", "datasets", "figures", "trackers"):
        fits = callable(loaded)
    elif kind in ("strategies", "executors"):
        fits = is_class and "__dataclass_fields__" in vars(loaded)
    else:
        fits = isinstance(loaded, base) or (kind in ("selectors", "scores") and is_class)
    if not fits:
        raise PluginError(f"got {_short(loaded)}; expected {KINDS[kind].expected}")


def _short(thing: object) -> str:
    text = repr(thing)
    return text if len(text) <= 80 else f"{text[:77]}..."
