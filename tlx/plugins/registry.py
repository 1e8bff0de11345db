"""The registry: loads plugins one by one, keeps what they register, and says what is wrong with which."""

import logging
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

import pluggy

from tlx import hooks
from tlx.data.task_names import task_name
from tlx.errors import DataError, PluginError, UnknownName, nearest
from tlx.plugins.composed import composed
from tlx.plugins.entry import KINDS, Entry, Problem
from tlx.plugins.target import verify
from tlx.plugins.tasks import find_task

NAME = re.compile(r"\w+([.-]\w+)*")
PREFIX = re.compile(r"[A-Za-z][A-Za-z0-9_]*:")  # of dataset names, as the grammar in tlx.data.task_names has it
HOOKS = tuple(name for name in vars(hooks) if name.startswith("tlx_"))
WATCHING = tuple(name for name in HOOKS if name.endswith(("_started", "_finished")))

log = logging.getLogger("tlx.plugins")


class Manager(pluggy.PluginManager):
    """Takes the methods of an object that are named as the hooks of a run, marked or not; a module marks its own."""

    def parse_hookimpl_opts(self, plugin: Any, name: str) -> Any:
        options = super().parse_hookimpl_opts(plugin, name)
        watches = name in WATCHING and not isinstance(plugin, ModuleType)
        return {} if options is None and watches else options


class Relay:
    """Calls a hook of every plugin in turn; one that fails stops no other: `relay.tlx_run_started(spec=spec)`."""

    def __init__(self, registry: "Registry"):
        self._registry = registry

    def __getattr__(self, hook: str) -> Callable[..., None]:
        if hook not in HOOKS:
            raise AttributeError(f"there is no hook '{hook}'; nearest: {', '.join(nearest(hook, HOOKS))}")

        def relay(**arguments: Any) -> None:
            for plugin in self._registry.implementing(hook):
                self._registry.call(hook, plugin, **arguments)

        return relay


class Registry:
    """All that the loaded plugins bring. What is wrong with one is logged and kept in `problems`; the rest goes on.

    A plugin is asked for what it brings of a kind (its strategies, say) when that kind is first asked for.

    `hook` calls a hook of all plugins, one by one: `registry.hook.tlx_run_started(spec=spec)`.
    """

    def __init__(self, trace: bool = False):
        self.problems: list[Problem] = []
        self.hook = Relay(self)
        self._trace = trace
        self._manager = Manager("tlx")
        self._manager.add_hookspecs(hooks)
        self._entries: dict[str, dict[str, Entry]] = {kind: {} for kind in KINDS}
        self._also: dict[tuple[str, str], set[str]] = {}  # by kind and folded name, the names that are meant
        self._asked: set[tuple[str, str]] = set()  # kind and plugin
        self._broken: dict[tuple[str, str], Problem] = {}
        self._loaded: dict[tuple[str, str], Any] = {}
        self._states: dict[tuple[str, str], Any] = {}  # of datasets, when they were loaded
        self._facts: dict[str, dict[str, Any]] = {}

    @classmethod
    def load(cls, files: Sequence[str | Path] = (), environ: Mapping[str, str] = os.environ) -> "Registry":
        """Loads the entry points of group `tlx`, tlx's own first, and then the files.

        `TLX_PLUGINS=a,b` picks entry points (unset: all); `TLX_TRACE=1` prints each hook call to stderr.

        Raises:
            UnknownName: TLX_PLUGINS names an entry point that does not exist.
            PluginError: a file does not exist, fails, or holds neither a hook nor a strategy.
        """
        registry = cls(trace=environ.get("TLX_TRACE", "") not in ("", "0"))
        for point in _picked(entry_points(group="tlx"), environ.get("TLX_PLUGINS")):
            package, version = (point.dist.name, point.dist.version) if point.dist else ("", "")
            registry._add(point.load, point.name, point.value, package, version)
        for file in files:
            from tlx.plugins.file import load_file

            registry.add(load_file(Path(file)), str(file))
        return registry

    def add(self, plugin: object, name: str) -> None:
        """Adds a module, or an object with hooks, as the plugin `name`; a module without hooks gives its strategies.

        Raises:
            PluginError: it holds neither a hook nor a strategy.
        """
        module = getattr(plugin, "__name__", type(plugin).__name__)
        if isinstance(plugin, ModuleType) and not self._hooks_of(plugin):
            from tlx.plugins.file import StrategiesOf

            plugin = StrategiesOf(plugin)
        self._add(lambda: plugin, name, module)

    def add_dataset(self, dataset: Any) -> None:
        """Adds a `tlx.Dataset` in memory under its own name.

        Raises:
            DataError: it is none, or another dataset has the name.
        """
        from tlx.data.task import Dataset  # NumPy is behind it

        if not isinstance(dataset, Dataset):
            raise DataError(f"A dataset in memory is of type {type(dataset).__name__}; expected a tlx.Dataset.")
        key = ("datasets", dataset.name)
        if self._loaded.get(key) is dataset:
            return
        if first := self._of("datasets").get(dataset.name):
            there = f"There is a dataset '{dataset.name}' already, of plugin '{first.plugin}'"
            raise DataError(f"{there}; expected another name for the one in memory.")
        self._entries["datasets"][dataset.name] = Entry(*key, "memory", lambda: dataset, "in memory")
        self._loaded[key] = dataset

    @contextmanager
    def observing(self, *observers: object) -> Iterator[None]:
        """Calls the hooks of a run of these objects too, while the block lasts. One that raises becomes a problem.

        An observer has methods named `tlx_run_started`, `tlx_round_finished` or `tlx_run_finished`, marked or not.

        Raises:
            PluginError: an object has none of them, or one of other arguments.
        """
        added: list[str] = []
        try:
            for observer in observers:
                name = type(observer).__name__
                if not set(WATCHING) & set(self._hooks_of(observer)):
                    raise PluginError(f"observer '{name}' has no hook of a run; expected {' or '.join(WATCHING)}")
                name = f"{name} {len(added) + 1}" if self._manager.has_plugin(name) else name
                self._connect(observer, name)
                added.append(name)
            yield
        finally:
            for name in added:
                self._manager.unregister(name=name)

    def entries(self, kind: str) -> list[Entry]:
        """What is registered of a kind ("strategies", "backbones", ...), sorted by name. Raises UnknownName."""
        if kind not in KINDS:
            raise UnknownName("kind", kind, KINDS)
        return sorted(self._of(kind).values(), key=lambda entry: entry.name)

    def entry(self, kind: str, name: str) -> Entry:
        """What is registered under a name; of strategies also "dann+mcc", composed of what is.

        A name that is not registered stands for the one that is meant where there is only one: "resnet-50" for
        "resnet50", "DAN" for "mmd".

        Raises:
            UnknownName: nothing is; the message has the nearest names.
            PluginError: the plugin that holds the name is broken there.
            ContractError: strategies that do not compose.
        """
        if kind == "strategies" and "+" in name:
            return composed(self, name)
        known = {entry.name: entry for entry in self.entries(kind)}
        name = _normal(kind, name, strict=False)
        if name in known:
            return known[name]
        if kind == "datasets" and (prefix := known.get(f"{name.partition(':')[0]}:")):
            return prefix.of(name)
        if problem := self._broken.get((kind, name)):
            raise PluginError(str(problem)) from problem.cause
        meant = self._also.get((kind, folded(name)), set()) if isinstance(name, str) else set()
        if len(meant & set(known)) == 1:
            [found] = meant & set(known)
            log.info("%s '%s' is '%s'", KINDS[kind].singular, name, found)
            return known[found]
        unknown = UnknownName(KINDS[kind].singular, name, known)
        for problem in self.problems:  # any of these may be the one that would have brought it
            unknown.add_note(str(problem))
        raise unknown

    def get(self, kind: str, name: str) -> Any:
        """The thing itself, loaded once: Strategy subclass, backbone, Dataset, Task, Suite, Selector or Recipe.

        A dataset with a `key` (`tlx.store.Prepared`) is loaded again when that has changed. A task need not be
        registered: see `tlx.plugins.tasks`.

        Raises:
            UnknownName, PluginError: as `entry` and `Entry.load`.
        """
        if kind == "tasks":
            return find_task(self, name)
        entry = self.entry(kind, name)
        key = (kind, entry.name)
        state = getattr(entry.source(), "key", None) if kind == "datasets" else None
        if key not in self._loaded or self._states.get(key) != state:
            self._loaded[key] = entry.load()
            self._states[key] = state
        return self._loaded[key]

    def check(self) -> list[Problem]:
        """All that is wrong with any plugin, as far as can be known without importing targets.

        Every plugin is asked for all that it brings, and the source of every target is read. What is broken is dropped.
        """
        for entry in [entry for kind in KINDS for entry in self._of(kind).values()]:
            try:
                if isinstance(entry.target, str):
                    verify(entry.target)
            except PluginError as error:
                del self._entries[entry.kind][entry.name]
                self._refuse(entry.kind, entry.name, entry.plugin, error)
        return self.problems

    def plugins(self) -> list[dict[str, Any]]:
        """Of every plugin, loaded or not, in loading order: name, module, package, version, hooks, problems."""
        problems = {name: [item.message for item in self.problems if item.plugin == name] for name in self._facts}
        return [facts | {"problems": problems[name]} for name, facts in self._facts.items()]

    def plugin(self, name: str) -> object:
        """The module or the object that was loaded as the plugin `name`; None where there is none."""
        return self._manager.get_plugin(name)

    def implementing(self, hook: str) -> list[str]:
        """The names of the plugins that implement a hook, in loading order."""
        return [item.plugin_name for item in getattr(self._manager.hook, hook).get_hookimpls()]

    def call(self, hook: str, plugin: str, **arguments: Any) -> None:
        """Calls the hook of one plugin; what it raises becomes a problem."""
        for impl in getattr(self._manager.hook, hook).get_hookimpls():
            if impl.plugin_name != plugin:
                continue
            if self._trace:
                text = ", ".join(f"{key}={_short(value)}" for key, value in arguments.items())
                print(f"tlx trace: {plugin}: {hook}({text})", file=sys.stderr)
            try:
                if impl.wrapper or impl.hookwrapper:
                    raise TypeError("it is a wrapper; expected a function of its own, as plugins are called one by one")
                impl.function(**{name: arguments[name] for name in impl.argnames})
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # a plugin must not end the program, not by SystemExit either
                self.problem(plugin, f"{hook} failed: {type(error).__name__}: {error}", error)

    def problem(self, plugin: str, message: str, cause: BaseException | None = None) -> Problem:
        """Logs and keeps what is wrong with a plugin, once."""
        problem = Problem(plugin, message, cause)
        if not any(item[:2] == problem[:2] for item in self.problems):
            self.problems.append(problem)
            log.warning("%s", problem)
        return problem

    def _of(self, kind: str) -> dict[str, Entry]:
        """The entries of a kind, of all plugins; each plugin is asked once."""
        hook = f"tlx_{kind}"
        for plugin in self.implementing(hook):
            if (kind, plugin) not in self._asked:
                self._asked.add((kind, plugin))
                self.call(hook, plugin, register=self._registrar(kind, plugin))
        return self._entries[kind]

    def _add(self, load: Callable[[], object], name: str, module: str, package: str = "", version: str = "") -> None:
        facts = {"name": name, "module": module, "package": package, "version": version, "hooks": []}
        if first := self._facts.get(name):
            both = " and ".join(f"'{item['package'] or item['module']}'" for item in (first, facts))
            self.problem(name, f"{both} both bring a plugin of this name; the second is not loaded")
            return
        self._facts[name] = facts
        try:
            plugin = load()
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            self.problem(name, f"importing '{module}' failed: {type(error).__name__}: {error}", error)
            return
        names = self._hooks_of(plugin)
        if not names:
            self.problem(name, "it implements no hook; mark its functions @tlx.hookimpl")
        for hook in sorted(set(names) - set(HOOKS)):
            unknown = UnknownName("hook", hook, HOOKS)
            self.problem(name, str(unknown).replace("Unknown hook", "there is no hook"))
        try:
            self._connect(plugin, name)
            facts["hooks"] = [hook for hook in HOOKS if hook in names]
        except PluginError as error:
            self.problem(name, str(error), error.__cause__)

    def _hooks_of(self, plugin: object) -> list[str]:
        marked = {name: self._manager.parse_hookimpl_opts(plugin, name) for name in dir(plugin)}
        return [options.get("specname") or name for name, options in marked.items() if options is not None]

    def _connect(self, plugin: object, name: str) -> None:
        try:
            self._manager.register(plugin, name)
        except (pluggy.PluginValidationError, ValueError) as error:
            if self._manager.has_plugin(name):
                self._manager.unregister(name=name)
            raise PluginError(" ".join(str(error).split())) from error

    def _registrar(self, kind: str, plugin: str) -> hooks.Register:
        def register(name: str, target: object, summary: str = "", also: Sequence[str] = ()) -> None:
            try:
                key = _normal(kind, name, strict=True)
                entry = Entry(kind, key, plugin, target, summary)
            except (PluginError, DataError) as error:
                self._refuse(kind, name, plugin, error)
                return
            for other in (key, *also):
                self._also.setdefault((kind, folded(other)), set()).add(key)
            first = self._entries[kind].setdefault(key, entry)
            if first is not entry:
                self.problem(
                    plugin, f"{entry.label} is already registered by plugin '{first.plugin}', which keeps the name"
                )

        return register

    def _refuse(self, kind: str, name: str, plugin: str, error: Exception) -> None:
        message = f"{KINDS[kind].singular} {name!r}: {error}"
        self._broken[kind, name] = self.problem(plugin, message, error.__cause__ or error)


def _picked(points: Iterable[EntryPoint], choice: str | None) -> list[EntryPoint]:
    """The entry points to load, tlx's own first: all, or those of `choice`, names with commas between.

    Raises:
        UnknownName: `choice` has a name that no entry point has.
    """
    keyed = [(point.dist.name if point.dist else "", point.name, point) for point in points]
    points = [point for *_, point in sorted(keyed, key=lambda item: (item[0] != "tlx", *item[:2]))]
    if choice is None:
        return points
    names = {name.strip() for name in choice.split(",")} - {""}
    for name in sorted(names - {point.name for point in points}):
        raise UnknownName("plugin in TLX_PLUGINS:", name, {point.name for point in points})
    return [point for point in points if point.name in names]


def _normal(kind: str, name: Any, strict: bool) -> str:
    if kind != "tasks":
        prefix = kind == "datasets" and isinstance(name, str) and PREFIX.fullmatch(name)
        if strict and not prefix and not (isinstance(name, str) and NAME.fullmatch(name)):
            raise PluginError("expected a name of letters, digits, and _ - . inside")
        return name
    try:
        return task_name(name)
    except DataError:
        if strict:
            raise
        return name  # which is unknown, and has nearest names


def folded(name: str) -> str:
    """A name as names are compared that are written in several ways: "ResNet-50" is "resnet50"."""
    return re.sub(r"[-_. ]", "", name.casefold())


def _short(value: object) -> str:
    text = getattr(value, "__name__", None) or repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
