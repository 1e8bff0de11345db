"""From names to jobs. All names and settings are checked here, before anything runs."""

import dataclasses
import functools
import itertools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from tlx.data import load_task
from tlx.data.label_space import Space
from tlx.data.task import Task
from tlx.engine.recipe import Recipe
from tlx.errors import PluginError, SettingError, UnknownName
from tlx.plugins import Registry
from tlx.runs.default_backbone import default_backbone
from tlx.runs.recipe_set import recipe_texts
from tlx.runs.settings import Settings, make_strategy, parse_settings, setting_fields
from tlx.runs.spec import Setting, Spec
from tlx.runs.suite import Suite
from tlx.weights import digest

if TYPE_CHECKING:
    from tlx.contract import Strategy

MOST_SEEDS, LAST_SEED = 10_000, 2**32 - 1
Seeds = int | Sequence[int]
"""How many seeds, from 0, or their numbers."""
Names = str | Sequence[str]
"""Names, or a text that has them with commas between."""


@dataclass(frozen=True, eq=False)
class Job:
    """A spec, and the objects that its names stand for; another process makes it from the spec: `rebuild`."""

    spec: Spec
    task: Task
    strategy: "Strategy"
    backbone: Callable[..., Any]


class Lookup:
    """The objects behind names: each name is looked up in the registry once.

    Raises:
        UnknownName: of every method, for a name that is not registered.
        PluginError: of every method, for one that fails to load.
    """

    def __init__(self, registry: Registry):
        self.registry = registry
        self.task: Callable[[str], Task] = functools.cache(self._task)
        self.strategy: Callable[[str], tuple[str, type]] = functools.cache(self._strategy)
        self.backbone: Callable[[str], tuple[str, Any]] = functools.cache(self._backbone)
        self.default_backbone: Callable[[Task], str] = functools.cache(lambda task: default_backbone(registry, task))
        self.train_rows: Callable[[Task], int] = functools.cache(self._train_rows)
        self.weights: Callable[[str], str] = functools.cache(lambda source: digest(source) if source else "")

    def recipe(self, recipe: str | Recipe) -> Recipe:
        """The recipe of that name."""
        return self.registry.get("recipes", recipe) if isinstance(recipe, str) else recipe

    def _task(self, name: str) -> Task:
        try:
            task = self.registry.get("tasks", name)
            for dataset in (*task.sources, *task.targets):
                self.registry.entry("datasets", dataset)
        except UnknownName as error:
            if "+" in name and ":" in name:
                raise SettingError(f"{error} Where '+' is of a path, it is written as %2B.") from error
            raise
        return task

    def _train_rows(self, task: Task) -> int:
        """The train rows of the sources together, or of the targets where there is no source."""
        data = load_task(task, functools.partial(self.registry.get, "datasets"))
        return len(data.source.y) or len(data.target.domain)

    def _backbone(self, name: str) -> tuple[str, Any]:
        """The name that it is registered by, and the backbone."""
        entry = self.registry.entry("backbones", name)
        return entry.name, entry.load()

    def _strategy(self, name: str) -> tuple[str, type]:
        """The name in normal form, and the class."""
        entry = self.registry.entry("strategies", name)
        return entry.name, entry.load()


def resolve(
    lookup: Lookup,
    task: str,
    strategy: str,
    *,
    backbone: str | None = None,
    recipe: str | Recipe,
    seeds: Seeds,
    epochs: float | None = None,
    settings: Settings = (),
    grid: Mapping[str, Sequence[Any]] = MappingProxyType({}),
    changes: Mapping[str, Any] | None = None,
    given: Mapping[str, Any] | None = None,
    plugins: Sequence[str] = (),
    suite: str = "",
    weights: str = "",
) -> list[Job]:
    """The job of one run; with a `grid`, values of some settings, the jobs of all combinations of these.

    `changes` are fields of the recipe, of which `given` are those that the command has to name (default: all);
    `epochs`, passes over the source's train rows, stand for the steps that they are. `weights` is a source of
    pretrained weights. Without a `backbone` it is the one of `tlx.runs.default_backbone`.

    Raises:
        UnknownName: a task, dataset, strategy, backbone or recipe that is not registered.
        PluginError: one of these fails to load, or no plugin brings a selector.
        SettingError: a name that is no text, no backbone where there is no default for the task's rows, an unknown
            setting, one that is in `settings` and in `grid`, a wrong type, texts as the values of a list, no seed or
            too many, steps beside epochs.
        WeightsError, DataAbsent: the weights are not there, or of epochs the data.
    """
    for what, got in {"task": task, "strategy": strategy, "backbone": backbone, "recipe": recipe}.items():
        if (what, got) != ("backbone", None) and not isinstance(got, str | Recipe if what == "recipe" else str):
            raise SettingError(f"{what} is {got!r:.60}; expected its name, a text.")
    numbers = _numbers(seeds)
    chosen = lookup.task(task)
    name, kind = lookup.strategy(strategy)
    whole, fixed = lookup.recipe(recipe), parse_settings(kind, settings, name)
    # the default may decode images: the rest is checked before
    backbone, network = lookup.backbone(backbone or lookup.default_backbone(chosen))
    if not lookup.registry.entries("selectors"):
        raise PluginError("No plugin brings a selector, so nothing could be scored; TLX_PLUGINS may leave it out.")
    changes = {**(changes or {})}
    if epochs is not None:
        steps = {"steps": _steps(lookup, chosen, epochs, whole.replace(**changes), "steps" in (given or changes))}
        changes, given = changes | steps, {**(changes if given is None else given), **steps}
    spec = Spec(
        task=chosen.name,
        protocol=chosen.protocol.id,
        strategy=name,
        settings=(),
        backbone=backbone,
        recipe=whole.replace(**changes) if changes else whole,
        seeds=numbers,
        plugin_files=tuple(map(str, plugins)),
        suite=suite,
        weights=weights,
        weights_sha256=lookup.weights(weights),
        recipe_set=recipe_texts(changes if given is None else given, with_steps=bool(suite)),
    )
    if both := [key for key in grid if key in fixed]:
        raise SettingError(f"'{both[0]}' has one value by the settings and several by the sweep; expected one of them.")
    values = {key: _values(kind, name, key, items) for key, items in grid.items()}

    def job(combination: Iterable[Setting]) -> Job:
        made, every = make_strategy(kind, fixed | dict(zip(values, combination, strict=True)), name)
        return Job(dataclasses.replace(spec, settings=every), chosen, made, network)

    return _each_once(map(job, itertools.product(*values.values())))


def _numbers(seeds: Seeds) -> tuple[int, ...]:
    """The numbers of seeds. Raises SettingError where they are none."""
    if isinstance(seeds, int) and not isinstance(seeds, bool):
        if not 1 <= seeds <= MOST_SEEDS:
            raise SettingError(f"seeds is {seeds}; expected 1 or more, at most {MOST_SEEDS}.")
        return tuple(range(seeds))
    if isinstance(seeds, str) or not isinstance(seeds, Sequence) or not 1 <= len(seeds) <= MOST_SEEDS:
        raise SettingError(f"seeds is {seeds!r:.60}; expected how many, a whole number, or a list of their numbers.")
    odd = [seed for seed in seeds if type(seed) is not int or not 0 <= seed <= LAST_SEED]
    if odd or len(set(seeds)) < len(seeds):
        raise SettingError(f"seeds is {seeds!r:.60}; expected different whole numbers from 0 to {LAST_SEED}.")
    return tuple(seeds)


def _steps(lookup: Lookup, task: Task, epochs: float, recipe: Recipe, both: bool) -> int:
    """The steps of so many epochs under the recipe's batch. Raises SettingError where they are none, or given too."""
    if both:
        raise SettingError("steps and epochs are two ways to say how long a run is; expected one of them.")
    if not isinstance(epochs, int | float) or isinstance(epochs, bool) or not 0 < epochs < math.inf:
        raise SettingError(f"epochs is {epochs!r:.60}; expected a number above 0.")
    return max(1, math.ceil(epochs * lookup.train_rows(task) / recipe.batch))


def _values(kind: type, name: str, key: str, items: Sequence[Any]) -> list[Setting]:
    if isinstance(items, str) or not isinstance(items, Sequence):
        raise SettingError(f"sweep over '{key}': got {items!r:.60}; expected a list of values")
    if not items:
        raise SettingError(f"sweep over '{key}' has no values; expected one or more")
    _, default = setting_fields(kind).get(key, (None, None))
    if isinstance(default, tuple) and any(isinstance(item, str) for item in items):
        raise SettingError(f"sweep over '{key}', a list: a text does not tell one list from two; expected tuples")
    return [parse_settings(kind, {key: item}, name)[key] for item in items]


def resolve_suite(
    lookup: Lookup,
    suite: Suite,
    *,
    tasks: Names | None = None,
    strategies: Names | None = None,
    seeds: Seeds | None = None,
    epochs: float | None = None,
    changes: Mapping[str, Any] = MappingProxyType({}),
    plugins: Sequence[str] = (),
    weights: str | None = None,
) -> list[Job]:
    """The jobs of a suite, task by task; tasks, strategies ("a,b" or a list), seeds and weights may be others.

    `changes` are fields of the recipe, in the place of the suite's.

    The strategies "all" are all that are registered for a task's label space. Weights are for the suite's own backbone:
    a task that has another starts from random ones.

    Raises:
        TlxError: as `resolve`.
    """
    chosen = _names(strategies, suite.strategies, "strategies")
    every = list(chosen) == ["all"]
    if every:
        chosen = [entry.name for entry in lookup.registry.entries("strategies")]
    source = suite.weights if weights is None else weights
    recipe = lookup.recipe(suite.recipe)

    def jobs(task: str, strategy: str) -> list[Job]:
        at = lookup.task(task)
        exceptions, own = (suite.overrides.of(at.name, at.protocol.id, name) for name in (strategy, ""))
        return resolve(
            lookup,
            task,
            strategy,
            backbone=exceptions.get("backbone", suite.backbone),
            recipe=recipe,
            seeds=suite.seeds if seeds is None else seeds,
            epochs=epochs,
            settings=exceptions.get("settings", ()),
            changes={**(exceptions.get("recipe") or {}), **changes},
            given=changes,
            plugins=plugins,
            suite=suite.name,
            weights=source if own.get("backbone", suite.backbone) == suite.backbone else "",
        )

    def serves(task: str, strategy: str) -> bool:
        protocol, spaces = lookup.task(task).protocol, lookup.strategy(strategy)[1].spaces
        return not spaces or (Space.of(protocol.labels, protocol.shots).kind if protocol.labels else "closed") in spaces

    pairs = itertools.product(_names(tasks, suite.tasks, "tasks"), chosen)
    return _each_once(job for pair in pairs if not every or serves(*pair) for job in jobs(*pair))


def in_groups(jobs: Iterable[Job]) -> list[list[Job]]:
    """The jobs that share compiled programs together: those that differ in the values of floats alone, in order."""
    groups: dict[str, list[Job]] = {}
    for job in jobs:
        spec = job.spec
        recipe = dataclasses.asdict(spec.recipe)
        same = (spec.full_task, spec.strategy, spec.backbone, spec.seeds, spec.weights_sha256, spec.plugin_files)
        fixed = [(key, type(value) is float or value) for key, value in (*spec.settings, *recipe.items())]
        groups.setdefault(repr((same, fixed)), []).append(job)
    return list(groups.values())


def rebuild(spec: Spec, registry: Registry | None = None) -> Job:
    """The job of a spec in another process, which loads the plugins that the spec names where it has no `registry`.

    Raises:
        TlxError: a name of the spec stands for nothing here.
    """
    registry = registry or load_registry(spec.plugin_files)
    _, kind = Lookup(registry).strategy(spec.strategy)
    strategy, _ = make_strategy(kind, dict(spec.settings), spec.strategy)
    return Job(spec, registry.get("tasks", spec.full_task), strategy, registry.get("backbones", spec.backbone))


@functools.cache
def load_registry(files: tuple[str, ...]) -> Registry:
    """The registry with some plugin files, loaded once in this process."""
    return Registry.load(files)


def _each_once(jobs: Iterable[Job]) -> list[Job]:
    return list({job.spec.hash: job for job in jobs}.values())


def _names(names: Names | None, default: Sequence[str], what: str) -> Sequence[str]:
    if names is None:
        return default
    found = [name.strip() for name in names.split(",") if name.strip()] if isinstance(names, str) else names
    if not isinstance(found, Sequence) or not found or not all(isinstance(name, str) for name in found):
        raise SettingError(f"{what} is {names!r:.60}; expected one or more names.")
    return found
