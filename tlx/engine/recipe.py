"""A recipe: everything about training that is not the strategy, as data with a name."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from tlx.augment.policy import check
from tlx.data.task_names import run_keys
from tlx.errors import SettingError, nearest

OPTIMIZERS = ("sgd", "adam", "adamw")
DTYPES = ("float32", "bfloat16")
SCHEDULES = ("constant", "inverse", "cosine", "step")


@dataclasses.dataclass(frozen=True)
class Recipe:
    """Optimizer, schedule, batch, length and per-group learning rates of a run.

    Learning rate at progress p of a phase: lr * rate(path) * phase rate * s(p), with s(p) = 1 ("constant"),
    (1 + gamma p)^-power ("inverse"; Ganin et al. 2016: gamma 10, power 0.75; Keras' decay: gamma = decay * steps,
    power 1), (1 + cos(pi p)) / 2 ("cosine") or gamma^floor(power p) ("step": power equal intervals). Over the first
    `warmup` of p, s is p / warmup times that; "cosine" then falls over what is left, and "step" does not count drops
    before.

    `rates` has entries (glob over "phase/group/path", multiplier) or (glob, multiplier, schedule); the first glob that
    fits counts, else the multiplier is 1 and the schedule the recipe's.
    `weight_decay` is added to the gradient (sgd, adam) or decoupled (adamw). `clip` bounds the global norm of each
    objective's gradient (0: none). `bottleneck` is the width of a Linear-BN-ReLU layer between backbone and head (0:
    none). `dtype` is what the backbone's layers compute in; parameters, features and losses stay float32 ("bfloat16"
    is meant for accelerators). `weak` and `strong` are the policies of `Model.augment` ("cifar", "flip + crop(4)", ...:
    `tlx.augment.policy`). `batch` is per domain. `rounds` is how often, over all phases, a run is evaluated and
    pseudo-labels refreshed.

    `by` is what a paper changes by strategy ("mmd"), by task ("a->b") or by both ("a->b mmd"), of which the later win:
    fields of the recipe, and under "settings" those of the strategy. `of` takes a run's share of it.
    """

    name: str = "default"
    optimizer: str = "sgd"
    lr: float = 0.01
    momentum: float = 0.9
    nesterov: bool = True
    beta1: float = 0.9
    beta2: float = 0.999
    weight_decay: float = 0.0005
    schedule: str = "inverse"
    gamma: float = 10.0
    power: float = 0.75
    warmup: float = 0.0
    clip: float = 0.0
    rates: tuple[tuple[str, float] | tuple[str, float, str], ...] = ()
    bottleneck: int = 256
    dtype: str = "float32"
    weak: str = "shift"
    strong: str = "digits_strong"
    batch: int = 64
    steps: int = 2000
    rounds: int = 10
    eval_batch: int = 250
    by: Mapping[str, Mapping[str, Any]] = dataclasses.field(default_factory=dict, compare=False)

    def __post_init__(self):
        for field, allowed in (("optimizer", OPTIMIZERS), ("schedule", SCHEDULES), ("dtype", DTYPES)):
            if getattr(self, field) not in allowed:
                raise SettingError(
                    f"recipe '{self.name}': {field} is {getattr(self, field)!r}; expected one of {allowed}"
                )
        for field in ("batch", "steps", "rounds", "eval_batch"):
            got = getattr(self, field)
            if not isinstance(got, int) or isinstance(got, bool) or got < 1:
                raise SettingError(f"recipe '{self.name}': {field} is {got!r}; expected a whole number of at least 1")

        for entry in self.rates:
            if len(entry) > 2 and entry[2] not in SCHEDULES:
                raise SettingError(
                    f"recipe '{self.name}': rates has {entry!r}; expected a schedule, one of {SCHEDULES}"
                )
        if not 0 <= self.warmup < 1:
            raise SettingError(f"recipe '{self.name}': warmup is {self.warmup!r}; expected a share from 0 to below 1")
        for field in ("weak", "strong"):
            try:
                check(getattr(self, field))
            except SettingError as error:
                raise SettingError(f"recipe '{self.name}', {field}: {error}") from None

    def of(self, task: str, strategy: str) -> tuple["Recipe", dict[str, Any]]:
        """The recipe of one run, which has no `by`, and the settings of its strategy."""
        changes, settings = {}, {}
        for key in run_keys(task, strategy):
            found = self.by.get(key, {})
            changes |= {field: value for field, value in found.items() if field != "settings"}
            settings |= found.get("settings", {})
        return self.replace(**changes, by={}), settings

    def to_json(self) -> dict[str, Any]:
        """A dict of JSON values: every field but `by`, which a run has none of, and `warmup` where there is none."""
        left = {"by"} if self.warmup else {"by", "warmup"}
        fields = {field.name: getattr(self, field.name) for field in dataclasses.fields(self) if field.name not in left}
        return {**fields, "rates": [list(rate) for rate in self.rates]}

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> "Recipe":
        """The recipe of `to_json`'s dict. Raises SettingError for an unknown field."""
        known = [field.name for field in dataclasses.fields(cls)]
        for key in fields:
            if key not in known:
                guess = nearest(key, known)
                raise SettingError(f"unknown recipe field '{key}'; nearest: {', '.join(guess) or ', '.join(known)}")
        return cls(**{**fields, "rates": tuple(_rate(entry) for entry in fields.get("rates", ()))})

    def replace(self, **changes: Any) -> "Recipe":
        """A copy with some fields changed, under the same name."""
        return Recipe.from_json({**self.to_json(), "by": self.by, **changes})

    def hyper(self) -> dict[str, float]:
        """The float fields: leaves of the compiled program, so a new value recompiles nothing."""
        return {
            field.name: float(getattr(self, field.name)) for field in dataclasses.fields(self) if field.type is float
        }

    def skeleton(self) -> "Recipe":
        """What shapes a compiled program: floats and the length of the run are taken out, for `hyper` and counters."""
        blank = {**{name: 0.0 for name in self.hyper()}, "clip": float(self.clip > 0)}
        return dataclasses.replace(self, **blank, name="skeleton", steps=1, rounds=1, by={})


def _rate(entry: Any) -> Any:
    glob, value, *schedule = entry
    return (str(glob), float(value), *schedule)
