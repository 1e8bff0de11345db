"""ConvNeXt: a convolutional network with the blocks' proportions of a transformer.

Liu et al., "A ConvNet for the 2020s", CVPR 2022. Layer norm has epsilon 1e-6, GELU is exact, the layer scale starts at
1e-6, kernels normal of std 0.02, cut at two. Stochastic depth, a setting of the paper's training, is not there.
"""

from collections.abc import Mapping
from typing import ClassVar

import jax.numpy as jnp
import numpy as np
from flax import nnx
from jaxtyping import Array, Float

from tlx import ContractError
from tlx.weights import Names
from tlx_backbones.names import Rules, layer, norm
from tlx_backbones.tiny import shrunk

SMALL = nnx.initializers.truncated_normal(0.02)
DEPTHS, WIDTHS = (3, 3, 9, 3), (96, 192, 384, 768)


def _norm(size: int, rngs: nnx.Rngs) -> nnx.LayerNorm:
    return nnx.LayerNorm(size, epsilon=1e-6, use_fast_variance=False, rngs=rngs)


def _patches(fan_in: int, out: int, side: int, rngs: nnx.Rngs) -> nnx.Conv:
    """A convolution over patches side by side; a rest at the border is dropped."""
    sides = (side, side)
    return nnx.Conv(fan_in, out, sides, strides=sides, padding="VALID", kernel_init=SMALL, rngs=rngs)


class _Block(nnx.Module):
    """x + gamma fc2(GELU(fc1(LN(depthwise 7x7(x)))))."""

    def __init__(self, width: int, rngs: nnx.Rngs):
        self.conv = nnx.Conv(width, width, (7, 7), padding=3, feature_group_count=width, kernel_init=SMALL, rngs=rngs)
        self.norm = _norm(width, rngs)
        self.fc1 = nnx.Linear(width, 4 * width, kernel_init=SMALL, rngs=rngs)
        self.fc2 = nnx.Linear(4 * width, width, kernel_init=SMALL, rngs=rngs)
        self.gamma = nnx.Param(jnp.full(width, 1e-6))

    def __call__(self, x: Array) -> Array:
        y = self.fc1(self.norm(self.conv(x)))
        y = self.fc2(nnx.gelu(y, approximate=False))
        return x + self.gamma[...].astype(y.dtype).reshape(1, 1, 1, -1) * y


class _Stage(nnx.Module):
    """[layer norm, conv 2x2/2], then blocks."""

    def __init__(self, fan_in: int | None, width: int, depth: int, rngs: nnx.Rngs):
        self.norm = None if fan_in is None else _norm(fan_in, rngs)
        self.reduce = None if fan_in is None else _patches(fan_in, width, 2, rngs)
        self.blocks = nnx.List([_Block(width, rngs) for _ in range(depth)])

    def __call__(self, x: Array) -> Array:
        if self.norm is not None and self.reduce is not None:
            x = self.reduce(self.norm(x))
        for block in self.blocks:
            x = block(x)
        return x


class _Stem(nnx.Module):
    """conv 4x4/4, layer norm."""

    def __init__(self, channels: int, width: int, rngs: nnx.Rngs):
        self.conv, self.norm = _patches(channels, width, 4, rngs), _norm(width, rngs)

    def __call__(self, x: Array) -> Array:
        return self.norm(self.conv(x))


def _torchvision() -> Rules:
    """`features` alternates: stem, blocks, reduction, blocks, ..."""
    rules = [*layer(r"features\.0\.0", "stem/conv"), *norm(r"features\.0\.1", "stem/norm")]
    for stage in range(len(DEPTHS)):
        block, own = rf"features\.{2 * stage + 1}\.(\d)", rf"stages/{stage}/blocks/\1"
        rules += layer(rf"{block}\.block\.0", f"{own}/conv") + norm(rf"{block}\.block\.2", f"{own}/norm")
        rules += layer(rf"{block}\.block\.3", f"{own}/fc1") + layer(rf"{block}\.block\.5", f"{own}/fc2")
        rules += ((rf"{block}\.layer_scale", f"{own}/gamma"),)
        if stage:
            rules += norm(rf"features\.{2 * stage}\.0", f"stages/{stage}/norm")
            rules += layer(rf"features\.{2 * stage}\.1", f"stages/{stage}/reduce")
    return (*rules, *norm(r"classifier\.0", "norm"), *layer(r"classifier\.2", "head"))


def _timm() -> Rules:
    stage, block, own = r"stages\.(\d)", r"stages\.(\d)\.blocks\.(\d)", r"stages/\1/blocks/\2"
    return (
        *layer(r"stem\.0", "stem/conv"),
        *norm(r"stem\.1", "stem/norm"),
        *norm(rf"{stage}\.downsample\.0", r"stages/\1/norm"),
        *layer(rf"{stage}\.downsample\.1", r"stages/\1/reduce"),
        *layer(rf"{block}\.conv_dw", f"{own}/conv"),
        *norm(rf"{block}\.norm", f"{own}/norm"),
        *layer(rf"{block}\.mlp\.fc([12])", rf"{own}/fc\3"),
        (rf"{block}\.gamma", f"{own}/gamma"),
        *norm(r"head\.norm", "norm"),
        *layer(r"head\.fc", "head"),
    )


class ConvNeXtTiny(nnx.Module):
    """ConvNeXt-T: conv 4x4/4 96; stages of 3, 3, 9, 3 blocks of 96, 192, 384, 768; global mean, layer norm (768).

    Groups: "features/stem/*", "features/stages/0/*" to "features/stages/3/*" (blocks "features/stages/2/blocks/5/*"),
    "features/norm/*", "head/*". Images of 32x32 and more.

    Reference: Liu et al., "A ConvNet for the 2020s", CVPR 2022.
    """

    depths: ClassVar[tuple[int, ...]] = DEPTHS
    widths: ClassVar[tuple[int, ...]] = WIDTHS
    weights: ClassVar[Mapping[str, Names]] = {"torchvision": Names(_torchvision()), "timm": Names(_timm())}

    def __init__(self, shape: tuple[int, int, int], rngs: nnx.Rngs):
        least = 4 * 2 ** (len(self.widths) - 1)
        if min(shape[:2]) < least:
            raise ContractError(f"convnext needs images of at least {least}x{least} pixels; got {shape[0]}x{shape[1]}")
        self.width = self.widths[-1]
        self.stem = _Stem(shape[2], self.widths[0], rngs)
        sizes = zip((None, *self.widths), self.widths, self.depths, strict=False)
        self.stages = nnx.List([_Stage(*size, rngs) for size in sizes])
        self.norm = _norm(self.width, rngs)

    def __call__(self, x: Float[Array, "batch height width channels"]) -> Float[Array, "batch features"]:
        x = self.stem(x)
        for stage in self.stages:
            x = stage(x)
        return self.norm(x.mean((1, 2)))

    @classmethod
    def adapt(cls, tensors: Mapping[str, np.ndarray], in_shape: tuple[int, int, int]) -> dict[str, np.ndarray]:
        """torchvision's layer scale [C, 1, 1] as [C]."""
        return {path: x.reshape(-1) if path.endswith("/gamma") else x for path, x in tensors.items()}

    @classmethod
    def tiny(cls) -> type:
        """Two stages, one block."""
        return shrunk(ConvNeXtTiny, depths=(0, 1), widths=(4, 8))
