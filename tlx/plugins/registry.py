"""The registry: loads plugins one by one, keeps what they register, and says what is wrong with which."""

import os
import re
from collections.abc import Mapping, Sequence
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

import pluggy

from tlx import hooks
from tlx.errors import DataError, PluginError, UnknownName, nearest
from tlx.plugins.calls import Relay, picked, trace_call
from tlx.plugins.entry import KINDS, Entry, Problem
from tlx.plugins.file import load_file, strategies
from tlx.plugins.parts import composed
from tlx.plugins.tasks import find_task

NAME = re.compile(r"\w+([.-]\w+)*")
PREFIX = re.compile(r"[A-Za-z][A-Za-z0-9_]*:")  # of dataset names, as the grammar in tlx.data.task_names has it
HOOKS = [name for name in vars(hooks) if name.startswith("tlx_")]


class Registry:
    """All that the loaded plugins bring. `problems` holds what is wrong with any of them; the rest goes on.

    `hook` calls a hook of all plugins, one by one: `registry.hook.tlx_run_started(spec=spec)`. A plugin that fails
    becomes a problem.
    """

    def __init__(self, trace: bool = False):
        self.problems: list[Problem] = []
        self.hook = Relay(HOOKS, self.implementing, self.call)
        self._manager = pluggy.PluginManager("tlx")
        self._manager.add_hookspecs(hooks)
        self._entries: dict[str, dict[str, Entry]] = {kind: {} for kind in KINDS}
        self._broken: dict[tuple[str, str], Problem] = {}
        self._loaded: dict[tuple[str, str], Any] = {}
        self._facts: dict[str, dict[str, Any]] = {}
        if trace:
            self._manager.add_hookcall_monitoring(trace_call, lambda *_: None)

    @classmethod
    def load(cls, files: Sequence[str | Path] = (), environ: Mapping[str, str] = os.environ) -> "Registry":
        """Loads the entry points of group `tlx`, tlx's own first, and then the files.

        `TLX_PLUGINS=a,b` picks entry points (unset: all); `TLX_TRACE=1` prints each hook call to stderr.

        Raises:
            UnknownName: TLX_PLUGINS names an entry point that does not exist.
            PluginError: a file does not exist, fails, or holds neither a hook nor a strategy.
        """
        registry = cls(trace=environ.get("TLX_TRACE", "") not in ("", "0"))
        for point in picked(entry_points(group="tlx"), environ.get("TLX_PLUGINS")):
            registry._add_point(point)
        for file in files:
            registry.add(load_file(Path(file)), str(file))
        return registry

    def add(self, plugin: object, name: str) -> None:
        """Adds a module, or an object with hooks, as the plugin `name`; a module without hooks gives its strategies.

        Raises:
            PluginError: it holds neither a hook nor a strategy.
        """
        facts = {"name": name, "module": getattr(plugin, "__name__", type(plugin).__name__)}
        facts |= {"package": "", "version": "", "hooks": []}
        if not self._claim(name, facts):
            return
        if isinstance(plugin, ModuleType) and not self._hooks_of(plugin):
            for key, target in strategies(plugin).items():
                self._register("strategies", name, key, target)
        else:
            self._add_hooks(plugin, name)

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
        if first := self._entries["datasets"].get(dataset.name):
            there = f"There is a dataset '{dataset.name}' already, of plugin '{first.plugin}'"
            raise DataError(f"{there}; expected another name for the one in memory.")
        self._entries["datasets"][dataset.name] = Entry(*key, "memory", lambda: dataset, "in memory")
        self._loaded[key] = dataset

    def entries(self, kind: str) -> list[Entry]:
        """What is registered of a kind ("strategies", "backbones", ...), sorted by name. Raises UnknownName."""
        if kind not in KINDS:
            raise UnknownName("kind", kind, KINDS)
        return sorted(self._entries[kind].values(), key=lambda entry: entry.name)

    def entry(self, kind: str, name: str) -> Entry:
        """What is registered under a name; of strategies also "dann+mcc", composed of what is.

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
        unknown = UnknownName(KINDS[kind].singular, name, known)
        for problem in self.problems:  # any of these may be the one that would have brought it
            unknown.add_note(str(problem))
        raise unknown

    def get(self, kind: str, name: str) -> Any:
        """The thing itself, loaded once: Strategy subclass, backbone, Dataset, Task, Suite, Selector or Recipe.

        A task need not be registered: see `tlx.plugins.tasks`.

        Raises:
            UnknownName, PluginError: as `entry` and `Entry.load`.
        """
        if kind == "tasks":
            return find_task(self, name)
        entry = self.entry(kind, name)
        key = (kind, entry.name)
        if key not in self._loaded:
            self._loaded[key] = entry.load()
        return self._loaded[key]

    def plugins(self) -> list[dict[str, Any]]:
        """Of every plugin, loaded or not, in loading order: name, module, package, version, hooks, problems."""
        told = {name: [item.message for item in self.problems if item.plugin == name] for name in self._facts}
        return [facts | {"problems": told[name]} for name, facts in self._facts.items()]

    def implementing(self, hook: str) -> list[str]:
        """The names of the plugins that implement a hook, in loading order."""
        return [item.plugin_name for item in getattr(self._manager.hook, hook).get_hookimpls()]

    def call(self, hook: str, plugin: str, **arguments: Any) -> None:
        """Calls the hook of one plugin; what it raises becomes a problem."""
        others = [self._manager.get_plugin(name) for name in self.implementing(hook) if name != plugin]
        try:
            self._manager.subset_hook_caller(hook, others)(**arguments)
        except Exception as error:
            self.problem(plugin, f"{hook} failed: {type(error).__name__}: {error}", error)

    def problem(self, plugin: str, message: str, cause: BaseException | None = None) -> Problem:
        """Notes what is wrong with a plugin, once."""
        problem = Problem(plugin, message, cause)
        if not any(item[:2] == problem[:2] for item in self.problems):
            self.problems.append(problem)
        return problem

    def _add_point(self, point: EntryPoint) -> None:
        facts = {"name": point.name, "module": point.value, "package": "", "version": "", "hooks": []}
        if point.dist:
            facts |= {"package": point.dist.name, "version": point.dist.version}
        if not self._claim(point.name, facts):
            return
        try:
            plugin = point.load()
        except (Exception, SystemExit) as error:  # a plugin must not end the program either
            self.problem(point.name, f"importing '{point.value}' failed: {type(error).__name__}: {error}", error)
            return
        self._add_hooks(plugin, point.name)

    def _claim(self, name: str, facts: dict[str, Any]) -> bool:
        if first := self._facts.get(name):
            both = " and ".join(f"'{item['package'] or item['module']}'" for item in (first, facts))
            self.problem(name, f"{both} both bring a plugin of this name; the second is not loaded")
            return False
        self._facts[name] = facts
        return True

    def _hooks_of(self, plugin: object) -> list[str]:
        marked = {name: self._manager.parse_hookimpl_opts(plugin, name) for name in dir(plugin)}
        return [options.get("specname") or name for name, options in marked.items() if options is not None]

    def _add_hooks(self, plugin: object, name: str) -> None:
        found = self._hooks_of(plugin)
        if not found:
            self.problem(name, "it implements no hook; mark its functions @tlx.hookimpl")
        for hook in sorted(set(found) - set(HOOKS)):
            hint = f"Did you mean {' or '.join(nearest(hook, HOOKS))}?" if nearest(hook, HOOKS) else ""
            self.problem(name, f"there is no hook '{hook}'. {hint or 'There are: ' + ', '.join(HOOKS)}")
        try:
            self._manager.register(plugin, name)
        except (pluggy.PluginValidationError, ValueError) as error:
            self.problem(name, " ".join(str(error).split()), error)
            if self._manager.has_plugin(name):
                self._manager.unregister(name=name)
            return
        self._facts[name]["hooks"] = [hook for hook in HOOKS if hook in found]
        for kind in KINDS:
            if f"tlx_{kind}" in found:
                self.call(f"tlx_{kind}", name, register=self._registrar(kind, name))

    def _registrar(self, kind: str, plugin: str) -> hooks.Register:
        def register(name: str, target: object, summary: str = "") -> None:
            self._register(kind, plugin, name, target, summary)

        return register

    def _register(self, kind: str, plugin: str, name: str, target: object, summary: str = "") -> None:
        label = f"{KINDS[kind].singular} {name!r}"
        try:
            name = _normal(kind, name, strict=True)
            entry = Entry.make(kind, name, plugin, target, summary)
        except (PluginError, DataError) as error:
            self._broken[kind, name] = self.problem(plugin, f"{label}: {error}", error.__cause__ or error)
            return
        first = self._entries[kind].setdefault(name, entry)
        if first is not entry:
            self.problem(plugin, f"{label} is already registered by plugin '{first.plugin}', which keeps the name")


def _normal(kind: str, name: Any, strict: bool) -> str:
    if kind != "tasks":
        prefix = kind == "datasets" and isinstance(name, str) and PREFIX.fullmatch(name)
        if strict and not prefix and not (isinstance(name, str) and NAME.fullmatch(name)):
            raise PluginError("expected a name of letters, digits, and _ - . inside")
        return name
    from tlx.data.task_names import task_name  # NumPy is behind it

    try:
        return task_name(name)
    except DataError:
        if strict:
            raise
        return name  # which is unknown, and has nearest names
