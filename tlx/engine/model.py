"""The one adapter to flax NNX: a backbone becomes the pure functions of `Model`. Nothing else in tlx imports NNX.

A backbone is a callable `(shape, rngs) -> nnx.Module`; the module maps images [B, H, W, C] to features [B, width] and
has an attribute `width`; a recipe may put a bottleneck on top. Its parameters are group "features"; whatever else it
carries (batch-norm statistics, dropout keys) lies in `State.extra["features"]`. The classifier is linear, group
"head".
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import nnx

from tlx.contract import Key, Model, State
from tlx.data.augment import augment
from tlx.errors import ContractError
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


def linear(key: Key, width: int, out: int) -> dict[str, jax.Array]:
    """Parameters of a linear layer: LeCun-normal kernel [width, out], zero bias [out]."""
    kernel = jax.nn.initializers.lecun_normal()(key, (width, out), jnp.float32)
    return {"kernel": kernel, "bias": jnp.zeros(out)}


@functools.lru_cache(maxsize=128)
def make_model(frame: Frame) -> Model:
    """The model of a backbone on images of one shape.

    Raises:
        ContractError: the backbone cannot be built or called, has no `width`, or returns another shape than [B, width].
    """
    name = getattr(frame.backbone, "__name__", str(frame.backbone))

    def build(key: Key) -> nnx.Module:
        rngs = nnx.Rngs(key)
        module = frame.backbone(frame.shape, rngs)
        if not isinstance(getattr(module, "width", None), int):
            got = getattr(module, "width", "none")
            raise ContractError(f"backbone {name} has width {got}; expected an attribute `width`, the features' length")
        if frame.bottleneck:
            module = Bottleneck(module, frame.bottleneck, rngs)
        layers: list[Any] = [layer for _, layer in nnx.iter_modules(module)]
        for part in layers:
            if isinstance(part, nnx.Conv):
                part.conv_general_dilated = conv_general_dilated
            if type(part) is nnx.BatchNorm:
                part.__class__ = BlendedBatchNorm
            if frame.dtype != "float32" and hasattr(part, "dtype"):
                part.dtype = jnp.dtype(frame.dtype)
        return module

    def split(module: nnx.Module) -> Any:
        return nnx.split(module, nnx.Param, ...)

    try:
        abstract = nnx.eval_shape(lambda: build(jax.random.key(0)))
    except (TypeError, ValueError, AttributeError) as error:
        raise ContractError(f"backbone {name} cannot be built for images of shape {frame.shape}: {error}") from error
    width: int = abstract.width  # pyright: ignore[reportAttributeAccessIssue]
    graph, blank_params, blank_rest = split(abstract)

    def init(key: Key) -> State:
        # split(key)[i] is fold_in(key, i): a strategy that folds small numbers into its key must get others.
        features_key, head_key = jax.random.split(jax.random.fold_in(key, OWN))
        _, params, rest = split(build(features_key))
        return State(
            params={"features": nnx.to_pure_dict(params), "head": head(head_key)},
            extra={"features": nnx.to_pure_dict(rest)},
        )

    def blend(module: nnx.Module, running: Any) -> None:
        layers: list[Any] = [layer for _, layer in nnx.iter_modules(module)]
        for number, part in enumerate(part for part in layers if isinstance(part, BlendedBatchNorm)):
            part.running, part.layer = running, number

    def features(state: State, x: jax.Array, train: bool = True, running: Any = None) -> tuple[jax.Array, State]:
        module = nnx.merge(
            graph, _filled(blank_params, state.params["features"]), _filled(blank_rest, state.extra["features"])
        )
        module.train() if train else module.eval()
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

    def head(key: Key, width: int = width) -> dict[str, jax.Array]:
        return linear(key, width, frame.classes)

    def logits(state: State, features: jax.Array, head: str = "head") -> jax.Array:
        return features @ state.params[head]["kernel"] + state.params[head]["bias"]

    return Model(init, features, logits, head, augment, width, frame.classes, frame.rows, frame.shape)


def _filled(blank: Any, values: Any) -> Any:
    filled = jax.tree.map(lambda leaf: leaf, blank)
    nnx.replace_by_pure_dict(filled, values)
    return filled
