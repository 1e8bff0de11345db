"""A suite: tasks x strategies under one recipe, the unit that `tlx bench` runs."""

from dataclasses import dataclass, field

from tlx.data.task_names import parse
from tlx.engine.recipe import Recipe
from tlx.errors import SettingError
from tlx.runs.overrides import Overrides

FIELDS = ("settings", "recipe", "backbone")


@dataclass(frozen=True)
class Suite:
    """Tasks x strategies under one recipe and on one backbone, with exceptions.

    `overrides` change, by task and strategy, "settings" of the strategy, fields of the "recipe", and the "backbone".
    Without a backbone it is the default of each task (`tlx.runs.default_backbone`). `weights` is where `backbone` has
    pretrained ones from (`tlx.weights.read`). `recipe` is a Recipe, or the name of one that a plugin registers. `seeds`
    is how many, from 0.

    Raises:
        SettingError: no task or strategy, fewer seeds than one, or overrides for what it does not run.
        DataError: the name of a task is malformed.
    """

    name: str
    tasks: tuple[str, ...]
    strategies: tuple[str, ...]
    backbone: str | None = None
    recipe: str | Recipe = "default"
    seeds: int = 3
    overrides: Overrides = field(default_factory=Overrides)
    summary: str = ""
    weights: str = ""

    def __post_init__(self):
        for key in ("tasks", "strategies"):
            if not getattr(self, key) or isinstance(getattr(self, key), str):
                raise SettingError(f"Suite '{self.name}': {key} is {getattr(self, key)!r}; expected one or more names.")
        if self.seeds < 1:
            raise SettingError(f"Suite '{self.name}': seeds is {self.seeds}; expected 1 or more.")
        names = [parse(task) for task in self.tasks]
        tasks = [str(name) for task in names for name in (task._replace(protocol=None), task)]
        self.overrides.check(f"Suite '{self.name}'", dict.fromkeys(tasks), self.strategies, FIELDS)
