"""A recipe: everything about training that is not the strategy, as data with a name."""

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

from tlx.augment.policy import check
from tlx.errors import SettingError, nearest

DTYPES = ("float32", "bfloat16")
SCHEDULES = ("constant", "inverse", "cosine", "step")
VIEWS = (("weak", "shift"), ("strong", "digits_strong"))
LARGEST = 2**31 - 1  # steps and rows are counted in int32
Option = float | int | bool | str | tuple[float, ...]


@dataclasses.dataclass(frozen=True)
class Recipe:
    """Optimizer, schedule, batch, length and learning rates of a run.

    The learning rate at progress p of a phase is lr * rate(path) * phase rate * s(p). The schedule s is "constant" (1),
    "inverse" ((1 + gamma p)^-power; Ganin et al. 2016: gamma 10, power 0.75; Keras' decay: gamma = decay * steps, power
    1), "cosine" ((1 + cos(pi p)) / 2), "step" (gamma^floor(power p): power equal intervals), or the name of a schedule
    of optax ("exponential_decay") with its `schedule_options`, whose numbers of steps are shares of the phase. Over the
    first `warmup` of p, s is p / warmup times that; "cosine" then falls over what is left, and "step" does not count
    drops before.

    `optimizer` is the name of an optimizer of optax ("sgd", "adam", "lion"), or "module:function" of what returns a
    `GradientTransformation` for learning_rate=1. It is given those of `momentum`, `nesterov` ("sgd" alone), `beta1`,
    `beta2` and `weight_decay` that it takes, and `options`, its further arguments. A weight decay that it does not take
    is added to the gradient. `clip` bounds the global norm of each objective's gradient (0: none).

    `rates` has entries (glob over "phase/group/path", multiplier) or (glob, multiplier, schedule); the first glob that
    fits counts, else the multiplier is 1 and the schedule the recipe's. `phases` gives the phases of a name other
    values of some fields ({"test": {"optimizer": "adam", "lr": 0.001}}), before those that a strategy gives its phase;
    of a strategy without such a phase it says nothing. `bottleneck` is the width of a Linear-BN-ReLU layer between
    backbone and head (0: none). `dtype` is what the backbone's layers compute in; parameters, features and losses stay
    float32 ("bfloat16" is meant for accelerators). `views` names the policies of `Model.augment` ("cifar", "flip +
    crop(4)", ...: `tlx.augment.policy`); one named "source" or "labelled" is what phases that only train on the labels
    of these rows show. `batch` is the number of rows of each field. `rounds` is how often, over all phases, a run is
    evaluated and pseudo-labels refreshed.

    Raises:
        SettingError: a value out of range, or a name that is none.
    """

    name: str = "default"
    optimizer: str = "sgd"
    lr: float = 0.01
    momentum: float = 0.9
    nesterov: bool = True
    beta1: float = 0.9
    beta2: float = 0.999
    weight_decay: float = 0.0005
    options: tuple[tuple[str, Option], ...] = ()
    schedule: str = "inverse"
    schedule_options: tuple[tuple[str, Option], ...] = ()
    gamma: float = 10.0
    power: float = 0.75
    warmup: float = 0.0
    clip: float = 0.0
    rates: tuple[tuple[str, float] | tuple[str, float, str], ...] = ()
    phases: tuple[tuple[str, tuple[tuple[str, Option], ...]], ...] = ()
    bottleneck: int = 256
    dtype: str = "float32"
    views: tuple[tuple[str, str], ...] = VIEWS
    batch: int = 64
    steps: int = 2000
    rounds: int = 10
    eval_batch: int = 250

    def __post_init__(self):
        for field in ("options", "schedule_options", "views"):
            value: Any = getattr(self, field)
            pairs = value.items() if isinstance(value, Mapping) else value
            object.__setattr__(self, field, tuple((str(key), _frozen(item)) for key, item in pairs))
        phases: Any = self.phases.items() if isinstance(self.phases, Mapping) else self.phases
        own = ((str(phase), changes.items() if isinstance(changes, Mapping) else changes) for phase, changes in phases)
        object.__setattr__(self, "phases", tuple((phase, _frozen(list(changes))) for phase, changes in own))
        for phase, changes in self.phases:
            for key, _ in changes:
                _check_field(key, f"recipe '{self.name}', phase '{phase}': ")
        if self.dtype not in DTYPES:
            raise SettingError(f"recipe '{self.name}': dtype is {self.dtype!r}; expected one of {DTYPES}")
        for field in ("batch", "steps", "rounds", "eval_batch"):
            got = getattr(self, field)
            if not isinstance(got, int) or isinstance(got, bool) or not 1 <= got <= LARGEST:
                whole = f"a whole number of at least 1, at most {LARGEST}"
                raise SettingError(f"recipe '{self.name}': {field} is {got!r}; expected {whole}")
        for field in ("lr", "weight_decay"):
            if (got := getattr(self, field)) < 0:
                raise SettingError(f"recipe '{self.name}': {field} is {got!r}; expected 0 or more")
        if not 0 <= self.warmup < 1:
            raise SettingError(f"recipe '{self.name}': warmup is {self.warmup!r}; expected a share from 0 to below 1")
        for view, policy in self.views:
            try:
                check(policy)
            except SettingError as error:
                raise SettingError(f"recipe '{self.name}', view '{view}': {error}") from None

    def to_json(self) -> dict[str, Any]:
        """A dict of JSON values; `warmup`, `options`, `schedule_options` and `phases` only where there are any."""
        left = {name for name in ("warmup", "options", "schedule_options", "phases") if not getattr(self, name)}
        fields = {field.name: getattr(self, field.name) for field in dataclasses.fields(self) if field.name not in left}
        fields |= {name: dict(fields[name]) for name in ("options", "schedule_options", "views") if name in fields}
        fields |= {"phases": {phase: dict(own) for phase, own in self.phases}} if self.phases else {}
        return {**fields, "rates": [list(rate) for rate in self.rates]}

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> "Recipe":
        """The recipe of `to_json`'s dict. Raises SettingError for an unknown field."""
        for key in fields:
            _check_field(key)
        return cls(**{**fields, "rates": tuple(_rate(entry) for entry in fields.get("rates", ()))})

    def replace(self, **changes: Any) -> "Recipe":
        """A copy with some fields changed, under the same name. Raises SettingError for an unknown field."""
        return Recipe.from_json({**self.to_json(), **changes})

    def of_phase(self, phase: str, own: Mapping[str, Any]) -> dict[str, Any]:
        """The fields that a phase of this name has otherwise: its `own`, and over them those of `phases`."""
        return {**own, **dict(dict(self.phases).get(phase, ()))}

    def traced(self) -> dict[str, float]:
        """The float fields: leaves of the compiled program, so a new value recompiles nothing."""
        return {
            field.name: float(getattr(self, field.name)) for field in dataclasses.fields(self) if field.type is float
        }

    def static(self) -> "Recipe":
        """What shapes a compiled program: floats and the length of the run are taken out, for `traced` and counters."""
        blank = {**{name: 0.0 for name in self.traced()}, "clip": float(self.clip > 0)}
        return dataclasses.replace(self, **blank, name="static", steps=1, rounds=1)


def _frozen(value: Any) -> Any:
    return tuple(_frozen(item) for item in value) if isinstance(value, list | tuple) else value


def _check_field(key: str, where: str = "") -> None:
    known = [field.name for field in dataclasses.fields(Recipe)]
    if key not in known:
        guess = ", ".join(nearest(key, known)) or ", ".join(known)
        raise SettingError(f"{where}unknown recipe field '{key}'; nearest: {guess}")


def _rate(entry: Any) -> Any:
    glob, value, *schedule = entry
    return (str(glob), float(value), *schedule)


def describe_fields() -> str:
    """The fields of a recipe and their defaults, in one line, as `--recipe-set` takes them."""
    default = Recipe()
    values = {field.name: getattr(default, field.name) for field in dataclasses.fields(default) if field.name != "name"}
    fields = [f"{key}={value if isinstance(value, str) else json.dumps(value)}" for key, value in values.items()]
    return f"Fields of a recipe and their defaults (--recipe-set KEY=VALUE): {'; '.join(fields)}."
