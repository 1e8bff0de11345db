"""A suite: tasks x strategies under one recipe, the unit that `tlx bench` runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tlx.data.task_names import both_names, run_keys
from tlx.engine.recipe import Recipe
from tlx.errors import SettingError, nearest


@dataclass(frozen=True)
class Suite:
    """Tasks x strategies under one recipe and on one backbone, with exceptions.

    `settings` (of strategies), `recipes` (fields of the recipe to change) and `backbones` are by strategy ("mmd"), by
    task ("a->b") or by both ("a->b mmd"), of which the later win; settings are not by task alone. They win over what
    the recipe has `by` task and strategy. `weights` is where `backbone` has pretrained ones from (`tlx.weights.read`).
    `recipe` is a Recipe, or the name of one that a plugin registers. `seeds` is how many, from 0.

    Raises:
        SettingError: no task or strategy, fewer seeds than one, or settings, recipes or backbones for what it does
            not run.
        DataError: a task whose name is none.
    """

    name: str
    tasks: tuple[str, ...]
    strategies: tuple[str, ...]
    backbone: str = "lenet"
    recipe: str | Recipe = "default"
    seeds: int = 3
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    recipes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    backbones: Mapping[str, str] = field(default_factory=dict)
    summary: str = ""
    weights: str = ""

    def __post_init__(self):
        for key in ("tasks", "strategies"):
            if not getattr(self, key) or isinstance(getattr(self, key), str):
                raise SettingError(f"Suite '{self.name}': {key} is {getattr(self, key)!r}; expected one or more names.")
        if self.seeds < 1:
            raise SettingError(f"Suite '{self.name}': seeds is {self.seeds}; expected 1 or more.")
        tasks = list(dict.fromkeys(name for task in self.tasks for name in both_names(task)))
        both = [f"{task} {strategy}" for task in tasks for strategy in self.strategies]
        self._check("settings", [*self.strategies, *both])
        self._check("backbones", [*self.strategies, *tasks, *both])
        self._check("recipes", [*self.strategies, *tasks, *both])

    def _check(self, key: str, known: Sequence[str]) -> None:
        for name in getattr(self, key):
            if name not in known:
                guess = " or ".join(nearest(name, known)) or ", ".join(known)
                raise SettingError(f"Suite '{self.name}': {key} has '{name}', which it does not run; nearest: {guess}.")

    def backbone_of(self, task: str, strategy: str = "") -> str:
        """The backbone for a run."""
        return next(
            (self.backbones[key] for key in run_keys(task, strategy)[::-1] if key in self.backbones), self.backbone
        )

    def settings_of(self, task: str, strategy: str) -> dict[str, Any]:
        """The settings of the strategy for a run."""
        return {name: value for key in run_keys(task, strategy) for name, value in self.settings.get(key, {}).items()}

    def changes(self, task: str, strategy: str) -> dict[str, Any]:
        """The fields of the recipe that change for a run."""
        return {name: value for key in run_keys(task, strategy) for name, value in self.recipes.get(key, {}).items()}
