"""The contract between a strategy and the engine.

A strategy says which parameters go down which loss (`Objective`), in what order and for how long (`Phase`), what is
carried without being descended (`State.extra`), and what it sees (`Phase.sees`). Optimizers, schedules, seeds, loops
and evaluation belong to the engine. There are three rungs: write `loss`; or write `phases`; or add `begin`, `sweeps`,
`refresh`, `after`, `draw`.

Shape vocabulary: batch B, height H, width W, channels C, time T; `Features` [B, width], `Logits` [B, outputs], `Labels`
[B]. `x` is one array, or a tree of arrays, with a leading axis B.
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Literal, NamedTuple, Protocol, TypeVar, cast, dataclass_transform, overload

import jax
from jaxtyping import Array, Float, Int, PRNGKeyArray

from tlx.errors import ContractError, NotShownError

Inputs = Any
"""What is shown of B rows: images [B, H, W, C], vectors [B, D], sequences [B, T, C], token ids [B, T], a tree."""
Images = Float[Array, "batch height width channels"]
Features = Float[Array, "batch width"]
Logits = Float[Array, "batch outputs"]
Labels = Int[Array, "batch"]
Key = PRNGKeyArray
Scalar = Float[Array, ""]
Metrics = dict[str, Scalar]
Tree = Any


class State(NamedTuple):
    """All that a strategy carries. Optimizer states stay with the engine.

    `params` is descended: its top-level keys are the parameter groups, one for each network ("features", "head", and
    any that a strategy adds), and loose parameters. `stats` has, under the same name, what a network carries beside its
    parameters: batch-norm statistics, dropout keys. `extra` is the strategy's own: a label bank, class weights.
    """

    params: dict[str, Tree]
    stats: dict[str, Tree]
    extra: dict[str, Tree]

    def put(self, **extra: Tree) -> "State":
        """The state with these entries of `extra` added or replaced."""
        return self._replace(extra={**self.extra, **extra})

    def put_params(self, **params: Tree) -> "State":
        """The state with these groups of `params` added or replaced."""
        return self._replace(params={**self.params, **params})

    def put_stats(self, **stats: Tree) -> "State":
        """The state with these entries of `stats` replaced."""
        return self._replace(stats={**self.stats, **stats})


R = TypeVar("R")


def _blocks(rows: R, domains: int) -> R:
    def one(leaf: Array) -> Array:
        return leaf.reshape(domains, -1, *leaf.shape[1:])

    return jax.tree.map(one, rows)


class Labelled(NamedTuple):
    """Rows with labels.

    `y` numbers the known classes from 0, then new ones with labels, or holds real numbers [B, outputs]. `domain`
    numbers the task's domains: the sources from 0 in the task's order, then the targets. `index` is each row's place in
    its set of rows.
    """

    x: Inputs
    y: Labels
    domain: Labels
    index: Labels  # pyright: ignore[reportIncompatibleMethodOverride]  # tuple.index, which a batch has no use for

    def by_domain(self, domains: int) -> "Labelled":
        """The same rows as [domains, B / domains, ...], of a phase that draws equal blocks (`draw`: "domain")."""
        return _blocks(self, domains)


class Unlabelled(NamedTuple):
    """Rows of a target. There is no field for a label. `index` is each row's place in the target train set."""

    x: Inputs
    domain: Labels
    index: Labels  # pyright: ignore[reportIncompatibleMethodOverride]

    def by_domain(self, domains: int) -> "Unlabelled":
        """The same rows as [domains, B / domains, ...], of a phase that draws equal blocks (`draw`: "domain")."""
        return _blocks(self, domains)


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

    def __getitem__(self, item: object):
        self._refuse()

    def __bool__(self) -> bool:
        return False

    def __eq__(self, other: object) -> bool:
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


class Model(Protocol):
    """Pure functions and facts, made by the engine from backbone and task.

    A network has one name: its parameters are `state.params[name]`, what it carries besides is `state.stats[name]`. Two
    are there from the start: "features", the backbone, and "head", the classifier on its features, which is linear
    unless the backbone brings its own. Every function takes a state and gives the state back with what the network has
    moved in train mode (batch-norm statistics, dropout counters); in evaluation (`train=False`) it is as it was.
    """

    @property
    def width(self) -> int:
        """The length of a row's features."""
        ...

    @property
    def shape(self) -> Any:
        """The shape of one row of x: (height, width, channels) of an image, (length,) of a vector, a tree of such."""
        ...

    @property
    def domains(self) -> int:
        """The number of source domains."""
        ...

    @property
    def class_names(self) -> tuple[str, ...]:
        """The names of the known classes, in the order of their numbers; empty where labels are real numbers."""
        ...

    @property
    def known(self) -> int:
        """The number of classes that the source labels, or of real numbers that it gives a row."""
        ...

    @property
    def outputs(self) -> int:
        """The length of the classifier's output: `known`, and one for the unknown or for each new class, if any."""
        ...

    @property
    def rows(self) -> Mapping[str, int]:
        """The number of rows of "source", "source_val", "target" and "labelled": rows["target"] is a label bank's."""
        ...

    @property
    def stages(self) -> tuple[str, ...]:
        """Globs over the paths of the features' parameters, from the input to the output; each parameter is in one.

        They are those of the backbone's class attribute `depth`, or its layers.
        """
        ...

    @property
    def views(self) -> tuple[str, ...]:
        """The names of the recipe's augmentations: "weak", "strong", and others."""
        ...

    def init(self, key: Key) -> State:
        """The state with a backbone and a classifier, drawn anew or with the pretrained weights that the run has."""
        ...

    @overload
    def features(
        self, state: State, x: Inputs, *, net: str = "features", train: bool = True, running: "Running | None" = None
    ) -> tuple[Features, State]: ...
    @overload
    def features(
        self,
        state: State,
        x: Inputs,
        *,
        net: str = "features",
        train: bool = True,
        running: "Running | None" = None,
        taps: tuple[str, ...],
    ) -> tuple[Features, dict[str, Array], State]: ...
    def features(self, state: State, x: Inputs, *, net="features", train=True, running=None, taps=()) -> Any:
        """The features [B, width] of B rows by the network `net`, a backbone or a copy of one; and the state.

        With `taps`, names of the backbone's modules ("conv1", "layer4/0"), the outputs of these come in between, by
        name. In train mode `running(layer, channels)` says how much of the running statistics batch norm normalises by:
        a number in [0, 1], or one for each channel, for the batch-norm layer of that number (from 0).

        Raises:
            ContractError: there is no network `net`, or no module of a tap's name.
        """
        ...

    def classify(
        self, state: State, features: Features, *, net: str = "head", train: bool = True
    ) -> tuple[Logits, State]:
        """The logits [B, outputs] of features by the classifier `net`, and the state.

        Raises:
            ContractError: there is no network `net`.
        """
        ...

    def classifier(self, *, width: int | None = None, outputs: int | None = None) -> Callable[[Any], Any]:
        """Makes a classifier, for `add`: `rngs -> nnx.Module`, as the backbone's own or linear.

        A linear one starts LeCun-normal with a zero bias, at 1.73 times the standard deviation of PyTorch's.

        `width` is the length of its input (default: the backbone's), `outputs` that of its logits (the task's).
        """
        ...

    def add(self, state: State, key: Key, name: str, module: Any, *example: Any) -> State:
        """The state with a network more, its parameters drawn from `key`.

        `module` is a function `rngs -> nnx.Module`, or a flax Linen module, which needs an `example` of its arguments.

        Raises:
            ContractError: the name is taken, or holds "/"; the module cannot be made.
        """
        ...

    def apply(self, state: State, name: str, *args: Any, train: bool = True) -> tuple[Any, State]:
        """What the network `name` makes of `args`, and the state.

        Raises:
            ContractError: there is no network of that name.
        """
        ...

    def copy(self, state: State, net: str, name: str) -> State:
        """The state with a network as it is now under another name: a teacher, a frozen source encoder.

        A copy of that name that is there already is renewed. An objective trains a copy only where it is named: "*"
        leaves copies out.

        Raises:
            ContractError: there is no network `net`; `name` is taken by what is no copy.
        """
        ...

    def renew(self, state: State, key: Key, name: str) -> State:
        """The state with the parameters and statistics of a network drawn anew.

        Raises:
            ContractError: there is no network of that name.
        """
        ...

    def augment(self, key: Key, x: Inputs, view: str = "weak") -> Inputs:
        """A random view of each row, by the recipe's policy of that name; x unchanged where it is no image.

        Raises:
            ContractError: the recipe has no view of that name.
        """
        ...

    def to_pixels(self, x: Images) -> Images:
        """Images as the network sees them, back in [0, 1]. Raises ContractError where x is no image."""
        ...

    def from_pixels(self, pixels: Images) -> Images:
        """Images in [0, 1] as the network sees them. Raises ContractError where x is no image."""
        ...

    def task_loss(self, outputs: Logits, y: Any, smoothing: float | Array = 0.0) -> Scalar:
        """The loss of the task's kind of target: mean cross-entropy of classes, mean squared error of real numbers."""
        ...


Running = Callable[[int, int], Any]
Loss = Callable[[State, Batch, Context], tuple[Scalar, State, Metrics]]


class Objective(NamedTuple):
    """The groups named in `trains` go down `loss`, `repeat` times a step.

    `loss` returns the scalar, the state (its `stats` and `extra` are kept, its `params` are not) and metrics, a dict of
    scalars. `trains` holds group names: top-level keys of `State.params`, names in `Strategy.groups`, globs over paths
    ("features/layer4/*"), or "*" for all parameters but those of copies.
    """

    loss: Loss
    trains: tuple[str, ...] = ("*",)
    repeat: int = 1


class Sweep(NamedTuple):
    """`each(state, rows)` over all rows of `over`, in batches; outputs are stacked in index order, [rows, ...] each.

    `over` is "source", "source_val", "target" or "labelled", of what the phase sees ("source_val" goes with "source").
    The rows are `Unlabelled` of the target, `Labelled` of all others.
    """

    over: str
    each: Callable[[State, Any], Tree]


class FieldFacts(NamedTuple):
    """What a phase's own `draw` may know: for a field, its number of rows, and labels and domains where it has them."""

    rows: Int[Array, ""]
    y: Labels | None
    domain: Labels


Sampler = Callable[[State, Mapping[str, FieldFacts], Key, Mapping[str, int]], Mapping[str, Labels]]
"""`draw(state, fields, key, sizes)`: the rows that a step takes of some fields, {field: [sizes[field]]}."""


class Online(NamedTuple):
    """One ordered pass over the target test rows, target after target: each batch is predicted, and adapted to.

    `predict` says when: "before" the step on the batch, or "after" it. With `reset` every target domain begins with the
    state that the phase began with.
    """

    predict: Literal["before", "after"] = "after"
    reset: bool = False


def keep(state: State, *_: Any) -> State:
    """The default of `begin`, `refresh` and `after`: the state as it is."""
    return state


class Phase(NamedTuple):
    """Every step takes `objectives` in order. Optimizer states are new at the start of a phase.

    `share` is its part of the step budget (shares are normalised to sum to one; a phase with share 0 takes no step, and
    is `begin` and one `refresh`). `rate` multiplies the recipe's learning rate, and so do `rates` for the first glob
    over paths that fits; `recipe` overrides fields that a phase may have of its own ("optimizer", "beta1", "batch").

    `batch` multiplies the recipe's batch for a field ({"target": 7}). `draw` says which rows a step takes of a field:
    "epoch" (the default: every row once, shuffled), "domain" (equal blocks of each domain, in order), "class" (a class
    at random, then a row of it), "asked" (of "labelled": at random among the rows that `State.extra["asked"]`, a mark
    [rows], has after `refresh`; marks stay; no other label is shown, and a result counts them: active learning); or it
    is a function of the state, called after `refresh` (see `Sampler`); fields that it leaves out are drawn by epoch.

    `sweeps` run before every `refresh(state, swept, context)`, which gets their outputs by name. An `online` phase is
    one pass over the target test rows, and its predictions are scored.
    """

    objectives: tuple[Objective, ...] = ()
    name: str = "train"
    share: float = 1.0
    rate: Any = 1.0
    sees: frozenset[str] = frozenset({"source", "target"})  # of "source", "target", "labelled"
    batch: Mapping[str, float] = {}
    draw: Mapping[str, str] | Sampler = {}
    recipe: Mapping[str, Any] = {}
    rates: tuple[tuple[str, Any], ...] = ()  # ("features/conv1/*", 0.1)
    sweeps: Mapping[str, Sweep] = {}
    begin: Callable[[State, Context], State] = keep  # once; may add networks and groups
    refresh: Callable[[State, Mapping[str, Tree], Context], State] = keep  # before every round: pseudo-labels
    after: Callable[[State, Batch, Context], State] = keep  # after every step: EMA, restore
    online: Online | None = None


class Strategy:
    """Base of all strategies: write `loss`; or, for more than one objective, `phases`.

    `groups` adds parameter groups by a glob over paths like "features/bn1/scale". `setting` is one of "unsupervised",
    "source-free", "test-time", "semi-supervised", "fine-tuning", "bound". `paper` is the reference in short. `inputs`,
    `targets` and `spaces` are the kinds of input ("image", "vector", "sequence", "tokens"), of target ("classes",
    "real") and of label space ("closed", "partial", "open", "universal", "discovery" and "incremental", of new classes
    without labels and with few) that it is for; empty means any.
    """

    groups: ClassVar[Mapping[str, str]] = {}
    setting: ClassVar[str] = "unsupervised"
    paper: ClassVar[str] = ""
    inputs: ClassVar[tuple[str, ...]] = ()
    targets: ClassVar[tuple[str, ...]] = ("classes",)
    spaces: ClassVar[tuple[str, ...]] = ()

    def init(self, model: Model, key: Key) -> State:
        """The first state: the model's own, or with networks, groups and extras added."""
        return model.init(key)

    def loss(self, model: Model, state: State, batch: Batch, context: Context) -> tuple[Scalar, State, Metrics]:
        """The one loss of a strategy that has only one."""
        raise NotImplementedError(f"{type(self).__name__} defines neither `loss` nor `phases`")

    def phases(self, model: Model) -> tuple[Phase, ...]:
        """The program of the strategy; by default one phase in which all parameters go down `loss`."""

        def loss(state: State, batch: Batch, context: Context):  # unchecked here: `step` says what a wrong loss is
            return self.loss(model, state, batch, context)

        return (Phase((Objective(loss),)),)

    def predict(self, model: Model, state: State, x: Inputs) -> Logits:
        """The logits [B, outputs] that are scored."""
        features, _ = model.features(state, x, train=False)
        return model.classify(state, features, train=False)[0]


T = TypeVar("T")


def static(default: T) -> T:
    """The default of a float field that is not a leaf: another value of it compiles another program.

    Example:
        share: float = tlx.static(0.5)
    """
    return dataclasses.field(default=default, metadata={"static": True})


S = TypeVar("S", bound=type)


@dataclass_transform(frozen_default=True)
def strategy(cls: S) -> S:
    """Makes a strategy class a frozen dataclass and a pytree: float fields are leaves, other fields are static.

    So a new value of a float field recompiles nothing, and a grid of them is one program under `vmap`. A float that
    shapes the program is declared by `tlx.static`.

    Raises:
        ContractError: the class does not derive from `Strategy`, or a field has no default or cannot be hashed.
    """
    given: Any = cls  # an annotation does not hold back who writes @strategy on a function
    if not (isinstance(given, type) and issubclass(given, Strategy)):
        raise ContractError(f"@strategy got {cls!r}; expected a class that derives from tlx.Strategy")
    try:
        kind: Any = dataclasses.dataclass(frozen=True)(given)
    except ValueError as error:
        raise ContractError(f"strategy {cls.__name__}: {error}") from error
    leaves: list[str] = []
    fixed: list[str] = []
    for field in dataclasses.fields(kind):
        if field.default is dataclasses.MISSING:
            raise ContractError(f"strategy {cls.__name__}: field '{field.name}' needs a plain default value")
        is_leaf = field.type in (float, "float") and not field.metadata.get("static")
        (leaves if is_leaf else fixed).append(field.name)
    register(kind, leaves, fixed)
    return cast(S, kind)


def register(kind: Any, leaves: list[str], fixed: list[str]) -> None:
    """Registers a strategy class as a pytree of the fields `leaves`, whose structure holds the class and the others.

    `jax.tree_util.register_dataclass` makes structures of two classes with equal fields compare equal, and `jax.jit`
    may then run the program of one for the other.
    """

    def flatten(strategy: Any) -> tuple[list[Any], tuple[Any, ...]]:
        return [getattr(strategy, name) for name in leaves], (kind, *(getattr(strategy, name) for name in fixed))

    def flatten_with_keys(strategy: Any) -> tuple[list[tuple[Any, Any]], tuple[Any, ...]]:
        values, aux = flatten(strategy)
        return [(jax.tree_util.GetAttrKey(name), value) for name, value in zip(leaves, values, strict=True)], aux

    def unflatten(aux: tuple[Any, ...], values: Any) -> Any:
        # Past __init__: leaves may be tracers or placeholders, which a __post_init__ cannot look at.
        strategy = object.__new__(kind)
        for name, value in zip([*leaves, *fixed], [*values, *aux[1:]], strict=True):
            object.__setattr__(strategy, name, value)
        return strategy

    tree_util: Any = jax.tree_util  # its own annotations are partial
    tree_util.register_pytree_with_keys(kind, flatten_with_keys, unflatten, flatten)
