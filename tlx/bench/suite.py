"""A suite: tasks x strategies under one recipe, the unit that `tlx bench` runs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tlx.engine.recipe import Recipe
from tlx.errors import SettingError, nearest


@dataclass(frozen=True)
class Suite:
    """Tasks x strategies. `settings` and `recipes` (fields of the recipe to change) are by strategy.

    `recipe` is a Recipe, or the name of one that a plugin registers. `seeds` is how many, from 0.

    Raises:
        SettingError: no task or strategy, fewer seeds than one, settings or recipes for another strategy.
    """

    name: str
    tasks: tuple[str, ...]
    strategies: tuple[str, ...]
    backbone: str = "lenet"
    recipe: str | Recipe = "default"
    seeds: int = 3
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    recipes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    summary: str = ""

    def __post_init__(self):
        for key in ("tasks", "strategies"):
            if not getattr(self, key) or isinstance(getattr(self, key), str):
                raise SettingError(f"Suite '{self.name}': {key} is {getattr(self, key)!r}; expected one or more names.")
        if self.seeds < 1:
            raise SettingError(f"Suite '{self.name}': seeds is {self.seeds}; expected 1 or more.")
        for key in ("settings", "recipes"):
            for strategy in getattr(self, key):
                if strategy not in self.strategies:
                    guess = " or ".join(nearest(strategy, self.strategies)) or ", ".join(self.strategies)
                    raise SettingError(
                        f"Suite '{self.name}': {key} has '{strategy}', which it does not run; nearest: {guess}."
                    )
