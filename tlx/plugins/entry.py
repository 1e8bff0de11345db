"""An entry: one name that a plugin registers, its target, and what may be known of it without importing it."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from tlx.errors import DataError, PluginError
from tlx.plugins import lazy


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
    "tasks": Kind("task", "tlx.data.task:Task", "a tlx.Task"),
    "suites": Kind("suite", "tlx.runs.suite:Suite", "a tlx.Suite"),
    "selectors": Kind("selector", "tlx.score.selectors:Selector", "a subclass or an instance of tlx.Selector"),
    "scores": Kind(
        "score", "tlx.score.transferability:Transferability", "a subclass or an instance of tlx.Transferability"
    ),
    "tables": Kind("table", "tlx.reproduce.table:PaperTable", "a tlx.PaperTable"),
    "recipes": Kind("recipe", "tlx.engine.recipe:Recipe", "a tlx.Recipe"),
}


class Problem(NamedTuple):
    """Something wrong with a plugin, told to the user in one line; the other plugins go on."""

    plugin: str
    message: str
    cause: BaseException | None = None

    def __str__(self) -> str:
        return f"plugin '{self.plugin}': {self.message}"


@dataclass(frozen=True)
class Entry:
    """A registered name. `facts` are strings known without importing: a strategy's `setting` and `paper`.

    A dataset's name that ends in ":" is a prefix, which stands for all names that begin with it; `of` gives the entry
    of one, whose `rest` its target is called with.
    """

    kind: str
    name: str
    plugin: str
    target: object
    summary: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)
    rest: str | None = None

    @classmethod
    def make(cls, kind: str, name: str, plugin: str, target: object, summary: str = "") -> "Entry":
        """An entry whose summary and facts are read from its target, which is not imported.

        Raises:
            PluginError: the target is malformed, names nothing, or is an object of the wrong type.
        """
        if isinstance(target, str):
            found, facts = lazy.describe(target)
        else:
            _check(kind, target)
            found, facts = lazy.describe_object(target)
        facts = facts if kind == "strategies" else {}
        return cls(kind, name, plugin, target, summary.strip() or found, facts)

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
            raise DataError(
                f"The dataset name '{self.name}' is a prefix; expected more after it. {self.summary}".strip()
            )
        try:
            loaded: Any = lazy.resolve(self.target) if isinstance(self.target, str) else self.target
            _check(self.kind, loaded)
        except PluginError as error:
            raise PluginError(f"plugin '{self.plugin}', {self.label}: {error}") from error.__cause__
        return loaded if self.rest is None else loaded(self.rest)

    def load(self) -> Any:
        """The target itself, imported if need be, of the right type; datasets are made, selector classes instantiated.

        Raises:
            PluginError: the import fails, the name is missing or its type is wrong; the message names the plugin.
        """
        loaded = self.source()
        try:
            if self.kind == "datasets":
                dataset = lazy.resolve(KINDS["datasets"].base)
                loaded = loaded() if callable(loaded) else loaded
                if not isinstance(loaded, dataset):
                    raise PluginError(f"it returned {_short(loaded)}; expected a tlx.Dataset")
            elif self.kind in ("selectors", "scores") and isinstance(loaded, type):
                loaded = loaded()
        except PluginError as error:
            raise PluginError(f"plugin '{self.plugin}', {self.label}: {error}") from error.__cause__
        return loaded


def _check(kind: str, loaded: object) -> None:
    if not _fits(kind, loaded):
        raise PluginError(f"got {_short(loaded)}; expected {KINDS[kind].expected}")


def _fits(kind: str, loaded: Any) -> bool:
    if kind in ("backbones", "datasets"):
        return callable(loaded)
    module, _, name = KINDS[kind].base.partition(":")
    if module not in sys.modules:  # then nothing can be an instance of it: no need to import JAX to know
        return False
    base = getattr(sys.modules[module], name)
    if kind == "strategies":
        return isinstance(loaded, type) and issubclass(loaded, base) and "__dataclass_fields__" in vars(loaded)
    subclass = kind in ("selectors", "scores") and isinstance(loaded, type) and issubclass(loaded, base)
    return subclass or isinstance(loaded, base)


def _short(thing: object) -> str:
    text = repr(thing)
    return text if len(text) <= 80 else f"{text[:77]}..."
