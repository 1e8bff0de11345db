"""`Model`, made from a backbone and the facts of a task.

A backbone is a callable `(shape, rngs) -> module`, flax NNX or Linen; the module maps x to features [B, width] and has
an attribute `width`; a recipe may put a bottleneck on top. The classifier is linear, or what the module's method
`head(width, outputs, rngs)` makes.
"""

import dataclasses
import functools
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import linen, nnx

from tlx.augment.policy import policy
from tlx.contract import Features, Images, Inputs, Key, Logits, Running, Scalar, State
from tlx.engine.depth import stages
from tlx.engine.networks import Carried, FromLinen, builder, call, make, network, tap
from tlx.errors import ContractError, nearest
from tlx.layers import BlendedBatchNorm, Bottleneck
from tlx.ops import cross_entropy
from tlx.ops.paths import with_leaves

Backbone = Callable[..., Any]
Scale = float | tuple[float, ...]
FEATURES, HEAD = "features", "head"


class Shapes(NamedTuple):
    """The shape and the type of one row of x, hashable: the tree's structure, and (shape, dtype) of each leaf."""

    treedef: Any
    leaves: tuple[tuple[tuple[int, ...], str], ...]

    @classmethod
    def of(cls, x: Any) -> "Shapes":
        """Of rows of x, whose leading axis is left out."""
        leaves, treedef = jax.tree.flatten(x)
        return cls(treedef, tuple((tuple(leaf.shape[1:]), str(leaf.dtype)) for leaf in leaves))

    @property
    def tree(self) -> Any:
        """The shapes, as x is: one tuple, or a tree of tuples."""
        return self.treedef.unflatten([shape for shape, _ in self.leaves])

    def example(self, rows: int = 2) -> Any:
        """Rows of zeros of this shape, as the network sees them: uint8 becomes float32."""
        kinds = {"uint8": "float32"}
        return self.treedef.unflatten([jnp.zeros((rows, *shape), kinds.get(kind, kind)) for shape, kind in self.leaves])


@dataclasses.dataclass(frozen=True)
class ModelSpec:
    """What shapes a model; hashable. `rows` counts those of each field, `views` pairs a view's name with its policy."""

    backbone: Backbone
    shapes: Shapes
    outputs: int
    known: int
    kind: str = "image"  # of input
    target_kind: str = "classes"
    class_names: tuple[str, ...] = ()
    domains: int = 1
    rows: tuple[tuple[str, int], ...] = ()
    bottleneck: int = 0  # width, 0 for none
    dtype: str = "float32"  # of the layers' computation
    views: tuple[tuple[str, str], ...] = (("weak", "shift"), ("strong", "digits_strong"))
    mean: Scale = 0.5  # that x has been normalised by
    std: Scale = 0.5
    resize: int = 0  # what the backbone sees: images scaled to so many pixels, 0 for as they are

    @property
    def shape(self) -> Any:
        """The shape of one row of x."""
        return self.shapes.tree

    @property
    def seen(self) -> Any:
        """The shape of what the backbone is given."""
        return (self.resize, self.resize, self.shape[2]) if self.resize else self.shape

    @property
    def name(self) -> str:
        """The backbone's name, for errors."""
        return getattr(self.backbone, "__name__", str(self.backbone))

    def example(self) -> Any:
        """Rows of zeros as the backbone sees them."""
        if not self.resize:
            return self.shapes.example()
        return jnp.zeros((2, *self.seen), jnp.float32)


@dataclasses.dataclass(frozen=True, eq=False)
class PureModel:
    """The `tlx.Model` of a spec. `weights` are pretrained ones by path in the state, put into every first state."""

    spec: ModelSpec
    width: int
    stages: tuple[str, ...]
    backbone: Callable[[nnx.Rngs], nnx.Module]
    own_head: Callable[[int, int, nnx.Rngs], nnx.Module] | None
    weights: Mapping[str, jax.Array] = dataclasses.field(default_factory=dict)

    @property
    def shape(self) -> Any:
        return self.spec.shape

    @property
    def domains(self) -> int:
        return self.spec.domains

    @property
    def class_names(self) -> tuple[str, ...]:
        return self.spec.class_names

    @property
    def known(self) -> int:
        return self.spec.known

    @property
    def outputs(self) -> int:
        return self.spec.outputs

    @property
    def rows(self) -> Mapping[str, int]:
        return dict(self.spec.rows)

    @property
    def views(self) -> tuple[str, ...]:
        return tuple(dict(self.spec.views))

    def init(self, key: Key) -> State:
        features_key, head_key = jax.random.split(key)
        state = self.add(State({}, {}, {}), features_key, FEATURES, self.backbone)
        state = self.add(state, head_key, HEAD, self.classifier())
        if not self.weights:
            return state
        return with_leaves(state, self.weights)

    def features(
        self,
        state: State,
        x: Inputs,
        *,
        net: str = FEATURES,
        train: bool = True,
        running: Running | None = None,
        taps: tuple[str, ...] = (),
    ) -> Any:
        if self.spec.resize and x.shape[1:3] != self.spec.seen[:2]:
            x = jax.image.resize(x, (x.shape[0], *self.spec.seen), "bilinear")
        rows = jax.tree.leaves(x)[0].shape[0]

        def use(module: Any, x: Inputs) -> tuple[jax.Array, dict[str, jax.Array]]:
            blended = _blended(module, running) if running is not None else []
            both = tap(module, taps, x, f"backbone {self.spec.name}") if taps else (module(x), {})
            for layer in blended:
                layer.running = None
            return both

        (out, tapped), state = call(state, net, x, train=train, use=use)
        if jnp.shape(out) != (rows, self.width):
            raise ContractError(
                f"backbone {self.spec.name} returned features of shape {jnp.shape(out)}; expected {(rows, self.width)}"
            )
        out = out.astype(jnp.float32)
        return (out, tapped, state) if taps else (out, state)

    def classify(
        self, state: State, features: Features, *, net: str = HEAD, train: bool = True
    ) -> tuple[Logits, State]:
        out, state = call(state, net, features, train=train)
        if jnp.ndim(out) != jnp.ndim(features) or jnp.shape(out)[:-1] != jnp.shape(features)[:-1]:
            raise ContractError(
                f"classifier '{net}' returned logits of shape {jnp.shape(out)} for features of shape "
                f"{jnp.shape(features)}; expected [B, outputs]"
            )
        return out.astype(jnp.float32), state

    def classifier(self, *, width: int | None = None, outputs: int | None = None) -> Callable[[nnx.Rngs], nnx.Module]:
        size = self.width if width is None else width
        out = self.outputs if outputs is None else outputs
        own = self.own_head
        if own is None:
            return lambda rngs: nnx.Linear(size, out, rngs=rngs)
        return lambda rngs: own(size, out, rngs)

    def add(self, state: State, key: Key, name: str, module: Any, *example: Any) -> State:
        if name in state.params:
            raise ContractError(f"network '{name}' is there already; taken names: {', '.join(state.params)}")
        if not name or any(mark in name for mark in "/*|"):
            raise ContractError(f"network '{name}'; expected a name without '/', '*' and '|'")
        build = builder(module, example, f"network '{name}'")
        try:
            params, carried = make(lambda rngs: rewrite(build(rngs)), key)
        except (TypeError, ValueError, AttributeError) as error:
            raise ContractError(f"network '{name}' cannot be made: {error}") from error
        return state.put_params(**{name: params}).put_stats(**{name: carried})

    def apply(self, state: State, name: str, *args: Any, train: bool = True) -> tuple[Any, State]:
        return call(state, name, *args, train=train)

    def copy(self, state: State, net: str, name: str) -> State:
        carried = network(state, net)
        there = state.stats.get(name)
        if name in state.params and not (isinstance(there, Carried) and there.copied):
            raise ContractError(f"copy of '{net}': '{name}' is there already, and is no copy")
        copied = Carried(carried.values, carried.structure, copied=True)
        return state.put_params(**{name: state.params[net]}).put_stats(**{name: copied})

    def renew(self, state: State, key: Key, name: str) -> State:
        old = network(state, name)
        params, carried = make(old.structure.build, key)
        carried = Carried(carried.values, old.structure, old.copied)
        return state.put_params(**{name: params}).put_stats(**{name: carried})

    def augment(self, key: Key, x: Inputs, view: str = "weak") -> Inputs:
        views = dict(self.spec.views)
        if view not in views:
            guess = nearest(view, views)
            hint = f"; {guess[0]}?" if guess else ""
            raise ContractError(f"the recipe has no view '{view}'{hint} Its views: {', '.join(views)}.")
        if self.spec.kind != "image":
            return x
        return self.from_pixels(policy(views[view])(key, self.to_pixels(x)))

    def to_pixels(self, x: Images) -> Images:
        mean, std = self._scale(x)
        return x * std + mean

    def from_pixels(self, pixels: Images) -> Images:
        mean, std = self._scale(pixels)
        return (pixels - mean) / std

    def _scale(self, x: Images) -> tuple[jax.Array, jax.Array]:
        if self.spec.kind != "image":
            raise ContractError(f"a row of this task is a {self.spec.kind}, which has no pixels; expected an image")
        mean, std = (jnp.asarray(scale, x.dtype).reshape(1, 1, 1, -1) for scale in (self.spec.mean, self.spec.std))
        return mean, std

    def task_loss(self, outputs: Logits, y: Any, smoothing: float | jax.Array = 0.0) -> Scalar:
        if self.spec.target_kind == "real":
            return jnp.mean((outputs - y) ** 2)
        return cross_entropy(outputs, y, smoothing)


@functools.lru_cache(maxsize=128)
def make_model(spec: ModelSpec) -> PureModel:
    """The model of a backbone on inputs of one shape.

    Raises:
        ContractError: the backbone cannot be built or called, has no `width`, or brings a classifier of another shape.
    """

    def build(rngs: nnx.Rngs) -> nnx.Module:
        module = _backbone(spec, rngs)
        return rewrite(Bottleneck(module, spec.bottleneck, rngs) if spec.bottleneck else module, spec.dtype)

    whole: list[Any] = []
    try:
        abstract = nnx.eval_shape(lambda: whole.append(build(nnx.Rngs(jax.random.key(0)))) or whole[0])
    except (TypeError, ValueError, AttributeError, IndexError) as error:
        raise ContractError(f"backbone {spec.name} cannot be built for x of shape {spec.seen}: {error}") from error
    parts = (whole[0], whole[0].backbone) if spec.bottleneck else (whole[0],)
    order = [tuple(vars(part)) for part in parts]  # as `__init__` set them, which the parameters have lost
    owner = parts[-1]
    params = nnx.to_pure_dict(nnx.split(abstract, nnx.Param, ...)[1])
    kind = type(owner)
    width: int = abstract.width  # pyright: ignore[reportAttributeAccessIssue]
    own_head: Callable[[int, int, nnx.Rngs], nnx.Module] | None = None
    if hasattr(kind, "head"):  # of the class: an attribute of that name is just a layer

        def head(size: int, outputs: int, rngs: nnx.Rngs) -> nnx.Module:
            return rewrite(owner.head(size, outputs, rngs), spec.dtype)

        _check_head(head, spec, width)
        own_head = head
    return PureModel(
        spec=spec,
        width=width,
        stages=stages(getattr(kind, "depth", None), order, params, spec.name),
        backbone=build,
        own_head=own_head,
    )


def _backbone(spec: ModelSpec, rngs: nnx.Rngs) -> nnx.Module:
    module: Any = spec.backbone(spec.seen, rngs)
    if isinstance(module, linen.Module):
        module = FromLinen(module, spec.example(), rngs=rngs)
    if not isinstance(getattr(module, "width", None), int):
        got = getattr(module, "width", "none")
        raise ContractError(
            f"backbone {spec.name} has width {got}; expected an attribute `width`, the features' length"
        )
    return module


def rewrite(module: nnx.Module, dtype: str = "float32") -> nnx.Module:
    """A module whose layers are the engine's: batch norm that may blend, and `dtype`.

    Only `nnx.BatchNorm` itself becomes a `BlendedBatchNorm`; a subclass stays what it is, and does not blend.
    """
    layers: list[Any] = [layer for _, layer in nnx.iter_modules(module)]
    for layer in layers:
        if type(layer) is nnx.BatchNorm:
            layer.__class__ = BlendedBatchNorm
        if dtype != "float32" and hasattr(layer, "dtype"):
            layer.dtype = jnp.dtype(dtype)
    return module


def _blended(module: Any, running: Running) -> list[Any]:
    layers: list[Any] = [layer for _, layer in nnx.iter_modules(module) if isinstance(layer, BlendedBatchNorm)]
    for number, layer in enumerate(layers):
        layer.running, layer.layer = running, number
    return layers


def _check_head(head: Callable[..., nnx.Module], spec: ModelSpec, width: int) -> None:
    def logits(features: jax.Array) -> jax.Array:
        module: Any = head(width, spec.outputs, nnx.Rngs(jax.random.key(0)))
        return module(features)

    got = nnx.eval_shape(logits, jnp.zeros((2, width)))
    if got.shape != (2, spec.outputs):
        raise ContractError(
            f"the classifier of backbone {spec.name} returned logits of shape {got.shape}; expected {(2, spec.outputs)}"
        )


def module_of(spec: ModelSpec) -> nnx.Module:
    """The backbone's own module without its values, for the facts of its class."""
    return nnx.eval_shape(lambda: _backbone(spec, nnx.Rngs(jax.random.key(0))))
