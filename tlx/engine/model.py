"""The adapter to flax NNX: a backbone becomes the pure functions of `Model`. Its other half is `head.py`.

A backbone is a callable `(shape, rngs) -> nnx.Module`; the module maps images [B, H, W, C] to features [B, width] and
has an attribute `width`; a recipe may put a bottleneck on top. Its parameters are group "features"; whatever else it
carries (batch-norm statistics, dropout keys) lies in `State.extra["features"]`. The classifier, group "head", is
linear, or what the module's method `head(width, classes, rngs)` makes.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import nnx

from tlx.augment.policy import policy
from tlx.contract import Images, Key, Model, State
from tlx.data.protocol import Scale
from tlx.engine.depth import stages
from tlx.engine.head import filled, linear_heads, own_heads, split
from tlx.errors import ContractError, SettingError
from tlx.layers import BlendedBatchNorm, Bottleneck, conv_general_dilated

OWN = 2**31 - 1  # what `Model.init` folds into its key
Backbone = Callable[[tuple[int, int, int], nnx.Rngs], nnx.Module]


class Frame(NamedTuple):
    """What the shape of a task fixes in a program; hashable."""

    backbone: Backbone
    shape: tuple[int, int, int]
    classes: int
    rows: int
    bottleneck: int = 0  # width, 0 for none
    dtype: str = "float32"  # of the layers' computation
    weak: str = "shift"  # policies of augmentation
    strong: str = "digits_strong"
    mean: Scale = 0.5  # of the protocol's normalisation
    std: Scale = 0.5
    labelled: int = 0  # labelled target rows
    resize: int = 0  # what the backbone sees: the images scaled to so many pixels, 0 for as they are

    @property
    def seen(self) -> tuple[int, int, int]:
        """The shape of the images that the backbone is given."""
        return (self.resize, self.resize, self.shape[2]) if self.resize else self.shape

    @property
    def swept(self) -> dict[str, int]:
        """How many rows a sweep goes over."""
        return {"target": self.rows, "labelled": self.labelled}


@functools.lru_cache(maxsize=128)
def make_model(frame: Frame) -> Model:
    """The model of a backbone on images of one shape.

    Raises:
        ContractError: the backbone cannot be built or called, has no `width`, or returns another shape than [B, width].
    """
    name = getattr(frame.backbone, "__name__", str(frame.backbone))

    seen = frame.seen

    def build(key: Key) -> nnx.Module:
        rngs = nnx.Rngs(key)
        module = frame.backbone(seen, rngs)
        if not isinstance(getattr(module, "width", None), int):
            got = getattr(module, "width", "none")
            raise ContractError(f"backbone {name} has width {got}; expected an attribute `width`, the features' length")
        return prepared(Bottleneck(module, frame.bottleneck, rngs) if frame.bottleneck else module)

    def prepared(module: nnx.Module) -> nnx.Module:
        layers: list[Any] = [layer for _, layer in nnx.iter_modules(module)]
        for part in layers:
            if isinstance(part, nnx.Conv):
                part.conv_general_dilated = conv_general_dilated
            if type(part) is nnx.BatchNorm:
                part.__class__ = BlendedBatchNorm
            if frame.dtype != "float32" and hasattr(part, "dtype"):
                part.dtype = jnp.dtype(frame.dtype)
        return module

    try:
        order: list[tuple[str, ...]] = []

        def first() -> nnx.Module:
            module: Any = build(jax.random.key(0))
            order.extend(tuple(vars(part)) for part in ((module, module.backbone) if frame.bottleneck else (module,)))
            return module

        abstract: Any = nnx.eval_shape(first)
    except (TypeError, ValueError, AttributeError) as error:
        raise ContractError(f"backbone {name} cannot be built for images of shape {seen}: {error}") from error
    width: int = abstract.width
    graph, blank_params, blank_rest = split(abstract)
    owner = abstract.backbone if frame.bottleneck else abstract
    if hasattr(type(owner), "head"):  # of the class: an attribute of that name is just a layer
        heads = own_heads(
            lambda width, rngs: prepared(owner.head(width, frame.classes, rngs)), width, frame.classes, name
        )
    else:
        heads = linear_heads(width, frame.classes)

    def init(key: Key) -> State:
        # split(key)[i] is fold_in(key, i): a strategy that folds small numbers into its key must get others.
        features_key, head_key = jax.random.split(jax.random.fold_in(key, OWN))
        _, params, rest = split(build(features_key))
        state = State({"features": nnx.to_pure_dict(params)}, {"features": nnx.to_pure_dict(rest)})
        return heads.with_head(state, head_key)

    def blend(module: nnx.Module, running: Any) -> None:
        layers: list[Any] = [layer for _, layer in nnx.iter_modules(module)]
        for number, part in enumerate(part for part in layers if isinstance(part, BlendedBatchNorm)):
            part.running, part.layer = running, number

    def features(state: State, x: jax.Array, train: bool = True, running: Any = None) -> tuple[jax.Array, State]:
        module = nnx.merge(
            graph, filled(blank_params, state.params["features"]), filled(blank_rest, state.extra["features"])
        )
        module.train() if train else module.eval()
        if x.shape[1:3] != seen[:2]:
            x = jax.image.resize(x, (x.shape[0], *seen), "bilinear")
        if running is not None:
            blend(module, running)
        out = module(x)  # pyright: ignore[reportCallIssue]
        if running is not None:
            blend(module, None)
        if out.shape != (x.shape[0], width):
            raise ContractError(
                f"backbone {name} returned features of shape {out.shape}; expected {(x.shape[0], width)}"
            )
        rest = nnx.to_pure_dict(split(module)[2])
        return out.astype(jnp.float32), state._replace(extra={**state.extra, "features": rest})

    policies = {"weak": policy(frame.weak), "strong": policy(frame.strong)}

    def augment(key: Key, x: Images, strength: str = "weak") -> Images:
        if strength not in policies:
            raise SettingError(f"augmentation strength is {strength!r}; expected 'weak' or 'strong'")
        if frame.shape[:2] == (1, 1):  # cached features: there is no image to change
            return x
        mean, std = jnp.asarray(frame.mean, x.dtype), jnp.asarray(frame.std, x.dtype)
        return (policies[strength](key, x * std + mean) - mean) / std

    return Model(
        init=init,
        features=features,
        logits=heads.logits,
        head=heads.head,
        augment=augment,
        width=width,
        classes=frame.classes,
        rows=frame.rows,
        shape=frame.shape,
        classify=heads.classify,
        with_head=heads.with_head,
        stages=stages(getattr(type(owner), "depth", None), order, nnx.to_pure_dict(blank_params), name),
    )
