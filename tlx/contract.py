"""The contract between a strategy and the engine.

A strategy says which parameters go down which loss (`Objective`), in what order and for how long (`Phase`), what is
carried without being descended (`State.extra`), and what it sees (`Phase.sees`). Optimizers, schedules, seeds, loops
and evaluation belong to the engine. There are three rungs: write `loss`; or write `phases`; or add `begin`,
`refresh`, `after`.

Shape vocabulary: batch B, height H, width W, channels C; `Features` [B, width], `Logits` [B, classes], `Labels` [B].
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, NamedTuple, TypeVar, dataclass_transform

import jax
from jaxtyping import Array, Float, Int, PRNGKeyArray

from tlx.errors import ContractError, NotShownError

Images = Float[Array, "batch height width channels"]
Features = Float[Array, "batch width"]
Logits = Float[Array, "batch classes"]
Labels = Int[Array, "batch"]
Key = PRNGKeyArray
Scalar = Float[Array, ""]
Metrics = dict[str, Scalar]
Tree = Any


class State(NamedTuple):
    """All that a strategy carries. Optimizer states stay with the engine.

    `params` is descended; its top-level keys are the parameter groups ("features", "head", and any that a strategy
    adds). `extra` is carried: batch-norm statistics and dropout keys (under "features"; those of classifiers by
    group under "heads"), an EMA teacher, a label bank.
    """

    params: dict[str, Tree]
    extra: dict[str, Tree]


class Labelled(NamedTuple):
    """A batch with labels. `domain` numbers the source domains from 0, in the task's order."""

    x: Images
    y: Labels
    domain: Labels


class Unlabelled(NamedTuple):
    """A batch of target images. There is no field for a label. `index` is each row's place in the target train set."""

    x: Images
    index: Labels  # pyright: ignore[reportIncompatibleMethodOverride]  # tuple.index, which a batch has no use for


@jax.tree_util.register_static
class NotShown:
    """Stands in a `Batch` for what is not shown: false in a condition, a `NotShownError` when read."""

    def __init__(self, field: str, shown: tuple[str, ...], where: str):
        self.field, self.shown, self.where = field, shown, where

    def _refuse(self):
        raise NotShownError(
            f"{self.where} reads batch.{self.field}, which it is not shown; "
            f"it is shown: {', '.join(self.shown) or 'nothing'}. "
            f'Name it in Phase(sees=frozenset({{"{self.field}", ...}})), and run it on a task that offers it.'
        )

    def __getattr__(self, name: str):
        if name.startswith("__"):
            raise AttributeError(name)
        self._refuse()

    def __iter__(self):
        self._refuse()

    def __getitem__(self, item):
        self._refuse()

    def __bool__(self) -> bool:
        return False

    def __eq__(self, other) -> bool:
        return isinstance(other, NotShown) and vars(self) == vars(other)

    def __hash__(self) -> int:
        return hash((self.field, self.shown, self.where))


class Batch(NamedTuple):
    """What one step sees. A field that the phase does not see holds `NotShown`: `if batch.source:` asks for it."""

    source: Labelled
    target: Unlabelled
    labelled: Labelled  # labelled target rows: the oracle bound, fine-tuning, semi-supervised


class Context(NamedTuple):
    """What a loss may know of the run: `key` is fresh for every objective, `progress` goes from 0 to 1 in the phase."""

    key: Key
    progress: Scalar


class Model(NamedTuple):
    """Pure functions and facts, made by the engine from backbone and task.

    The classifier is linear unless the backbone brings its own, which may have dropout and batch norm: `logits` runs it
    in evaluation mode; a loss that trains it calls `classify`, which gives logits and state, as `features` does.
    `with_head` gives the state with a new classifier under a group's name, `head` the parameters alone of one; both on
    `width` (default: the backbone's) features. Name the group to `logits` and `classify`. `augment` has strength "weak"
    or "strong". `rows` is the number of target train images, the length of a label bank. `running` of `features`, in
    train mode, is a function (number of the batch-norm layer, channels) -> the part of the running statistics in those
    that it normalises by. `stages` are globs over the paths of the features' parameters, from the input to the output:
    those of the backbone's class attribute `depth`, or its layers; every parameter is in one of them.
    """

    init: Callable[[Key], State]
    features: Callable[..., tuple[Features, State]]  # (state, x, train=True, running=None)
    logits: Callable[..., Logits]  # (state, features, head="head")
    head: Callable[..., Tree]  # (key, width=None)
    augment: Callable[[Key, Images, str], Images]
    width: int
    classes: int
    rows: int
    shape: tuple[int, int, int]  # height, width, channels
    classify: Callable[..., tuple[Logits, State]]  # (state, features, head="head", train=True)
    with_head: Callable[..., State]  # (state, key, group="head", width=None)
    stages: tuple[str, ...] = ()


Loss = Callable[[State, Batch, Context], tuple[Scalar, State, Metrics]]


class Objective(NamedTuple):
    """The groups named in `trains` go down `loss`, `repeat` times a step.

    `loss` returns the scalar, the state (its `extra` is kept, its `params` are not) and metrics, a dict of scalars.
    `trains` holds group names: top-level keys of `State.params`, names in `Strategy.groups`, globs over paths
    ("features/layer4/*"), or "*" for all parameters.
    """

    loss: Loss
    trains: tuple[str, ...] = ("*",)
    repeat: int = 1


Sweep = Callable[..., Tree]
"""`sweep(f)`: f over all target train images, in batches; the outputs stacked in index order, [rows, ...] each.

`sweep(f, "labelled")`: f(images, labels) over all labelled target rows. Both only in a phase that sees these.
"""


def keep(state: State, *_: Any) -> State:
    """The default of `begin`, `refresh` and `after`: the state as it is."""
    return state


class Phase(NamedTuple):
    """Every step takes `objectives` in order. Optimizer states are new at the start of a phase.

    `share` is its part of the step budget (shares are normalised to sum to one; a phase with share 0 takes no step, and
    is `begin` and one `refresh`), `rate` multiplies the recipe's learning rate, and so do `rates` for the first glob
    over paths that fits. An `online` phase is one ordered pass over the target test images: adapt on a batch, then
    predict it, and that is scored.
    """

    objectives: tuple[Objective, ...]
    name: str = "train"
    share: float = 1.0
    rate: float = 1.0
    sees: frozenset[str] = frozenset({"source", "target"})  # of "source", "target", "labelled"
    online: bool = False
    begin: Callable[[State, Context], State] = keep  # once; may add parameter groups
    refresh: Callable[[State, Sweep, Context], State] = keep  # before every round: pseudo-labels
    after: Callable[[State, Batch, Context], State] = keep  # after every step: EMA, restore
    rates: tuple[tuple[str, Any], ...] = ()  # ("features/conv1/*", 0.1)


class Strategy:
    """Base of all strategies: write `loss`; or, for more than one objective, `phases`.

    `groups` adds parameter groups by a glob over paths like "features/bn1/scale". `setting` is one of "unsupervised",
    "source-free", "test-time", "semi-supervised", "fine-tuning", "bound". `paper` is the reference in short,
    `needs` what the phases see between them; `tlx list` reads all three from the source, as literal strings.
    """

    groups: ClassVar[Mapping[str, str]] = {}
    setting: ClassVar[str] = "unsupervised"
    needs: ClassVar[str] = "source, target"
    paper: ClassVar[str] = ""

    def init(self, model: Model, key: Key) -> State:
        """The first state: the model's own, or with groups and extras added."""
        return model.init(key)

    def loss(self, model: Model, state: State, batch: Batch, context: Context) -> tuple[Scalar, State, Metrics]:
        """The one loss of a strategy that has only one."""
        raise NotImplementedError(f"{type(self).__name__} defines neither `loss` nor `phases`")

    def phases(self, model: Model) -> tuple[Phase, ...]:
        """The program of the strategy; by default one phase in which all parameters go down `loss`."""
        return (Phase((Objective(lambda *args: self.loss(model, *args)),)),)

    def predict(self, model: Model, state: State, x: Images) -> Logits:
        """The logits that are scored."""
        features, _ = model.features(state, x, train=False)
        return model.logits(state, features)


S = TypeVar("S", bound=type)


@dataclass_transform(frozen_default=True)
def strategy(cls: S) -> S:
    """Makes a strategy class a frozen dataclass and a pytree: float fields are leaves, other fields are static.

    So a new value of a float field recompiles nothing, and a grid of them is one program under `vmap`.

    Raises:
        ContractError: the class does not derive from `Strategy`, or a field has no default or cannot be hashed.
    """
    if not (isinstance(cls, type) and issubclass(cls, Strategy)):
        raise ContractError(f"@strategy got {cls!r}; expected a class that derives from tlx.Strategy")
    try:
        kind: Any = dataclasses.dataclass(frozen=True)(cls)
    except ValueError as error:
        raise ContractError(f"strategy {cls.__name__}: {error}") from error
    leaves, static = [], []
    for field in dataclasses.fields(kind):
        if field.default is dataclasses.MISSING:
            raise ContractError(f"strategy {cls.__name__}: field '{field.name}' needs a plain default value")
        (leaves if field.type in (float, "float") else static).append(field.name)
    register(kind, leaves, static)
    return kind


def register(kind: Any, leaves: list[str], static: list[str]) -> None:
    """Registers a strategy class as a pytree of the fields `leaves`, whose structure holds the class and the others.

    `jax.tree_util.register_dataclass` makes structures of two classes with equal fields compare equal, and `jax.jit`
    may then run the program of one for the other.
    """

    def flatten(strategy):
        return [getattr(strategy, name) for name in leaves], (kind, *(getattr(strategy, name) for name in static))

    def flatten_with_keys(strategy):
        values, aux = flatten(strategy)
        return [(jax.tree_util.GetAttrKey(name), value) for name, value in zip(leaves, values, strict=True)], aux

    def unflatten(aux, values):
        # Past __init__: leaves may be tracers or placeholders, which a __post_init__ cannot look at.
        strategy = object.__new__(kind)
        for name, value in zip([*leaves, *static], [*values, *aux[1:]], strict=True):
            object.__setattr__(strategy, name, value)
        return strategy

    jax.tree_util.register_pytree_with_keys(kind, flatten_with_keys, unflatten, flatten)
