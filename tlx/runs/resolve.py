"""From names to specs. All names and settings are checked here, before anything runs."""

from collections.abc import Mapping, Sequence
from typing import Any

from tlx.runs.settings import complete_settings, parse_settings
from tlx.runs.spec import Spec
from tlx.runs.suite import Suite
from tlx.engine.recipe import Recipe
from tlx.errors import PluginError, SettingError
from tlx.plugins import Registry
from tlx.weights import digest


def make_spec(
    registry: Registry,
    task: str,
    strategy: str,
    *,
    backbone: str,
    recipe: str | Recipe,
    seeds: int,
    settings: Mapping[str, Any] | Sequence[str] = (),
    changes: Mapping[str, Any] | None = None,
    plugins: Sequence[str] = (),
    suite: str = "",
    weights: str = "",
) -> Spec:
    """The spec of one run; `changes` are fields of the recipe, `weights` a source of pretrained ones.

    Raises:
        UnknownName: a task, dataset, strategy, backbone or recipe that is not registered.
        PluginError: one of these fails to load, or no plugin brings a selector.
        SettingError: an unknown setting, a wrong type, fewer seeds than one.
        WeightsError, DataAbsent: the weights are not there.
    """
    found = registry.get("tasks", task)
    for name in (*found.sources, found.target):
        registry.entry("datasets", name)
    strategy = registry.entry("strategies", strategy).name
    cls = registry.get("strategies", strategy)
    registry.get("backbones", backbone)
    whole = registry.get("recipes", recipe) if isinstance(recipe, str) else recipe
    chosen, own = whole.of(task, strategy)
    if seeds < 1:
        raise SettingError(f"seeds is {seeds}; expected 1 or more.")
    if not registry.entries("selectors"):
        raise PluginError("No plugin brings a selector, so nothing could be scored; TLX_PLUGINS may leave it out.")
    return Spec(
        task=found.name,
        protocol=found.protocol.id,
        strategy=strategy,
        settings=complete_settings(cls, {**own, **parse_settings(cls, settings, strategy)}, strategy),
        backbone=backbone,
        recipe=chosen.replace(**changes) if changes else chosen,
        seeds=tuple(range(seeds)),
        plugin_files=tuple(map(str, plugins)),
        suite=suite,
        weights=str(weights),
        weights_sha256=digest(weights) if weights else "",
    )


def make_specs(
    registry: Registry,
    suite: Suite,
    *,
    tasks: str | Sequence[str] | None = None,
    strategies: str | Sequence[str] | None = None,
    seeds: int | None = None,
    plugins: Sequence[str] = (),
    weights: str | None = None,
) -> list[Spec]:
    """The specs of a suite, task by task; tasks, strategies ("a,b" or a list), seeds and weights may be others.

    The strategies "all" are all that are registered. Weights are for the suite's own backbone: a task that has
    another starts from random ones.

    Raises:
        TlxError: as `make_spec`.
    """
    chosen = _names(strategies, suite.strategies)
    if list(chosen) == ["all"]:
        chosen = [entry.name for entry in registry.entries("strategies")]
    source = suite.weights if weights is None else weights
    specs = [
        make_spec(
            registry,
            task,
            strategy,
            backbone=suite.backbone_of(task, strategy),
            recipe=suite.recipe,
            seeds=suite.seeds if seeds is None else seeds,
            settings=suite.settings_of(task, strategy),
            changes=suite.changes(task, strategy),
            plugins=plugins,
            suite=suite.name,
            weights=source if suite.backbone_of(task) == suite.backbone else "",
        )
        for task in _names(tasks, suite.tasks)
        for strategy in chosen
    ]
    return list({spec.hash: spec for spec in specs}.values())


def _names(given: str | Sequence[str] | None, default: Sequence[str]) -> Sequence[str]:
    if given is None:
        return default
    return [name.strip() for name in given.split(",") if name.strip()] if isinstance(given, str) else given
