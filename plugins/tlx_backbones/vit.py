"""Vision transformers of DeiT's three sizes.

Dosovitskiy et al., "An Image is Worth 16x16 Words", ICLR 2021; Touvron et al., "Training Data-Efficient Image
Transformers & Distillation through Attention", ICML 2021. Layer norm has epsilon 1e-6, GELU is exact; kernels,
position embedding and class token start normal of std 0.02, cut at two. Stochastic depth, a setting of DeiT's training,
is not there.
"""

import math
from collections.abc import Mapping
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jaxtyping import Array, Float

from tlx import ContractError, WeightsError
from tlx.weights import Names
from tlx_backbones.names import layer, norm
from tlx_backbones.tiny import shrunk

SMALL = nnx.initializers.truncated_normal(0.02)


def _norm(size: int, rngs: nnx.Rngs) -> nnx.LayerNorm:
    return nnx.LayerNorm(size, epsilon=1e-6, use_fast_variance=False, rngs=rngs)


def _linear(fan_in: int, out: int, rngs: nnx.Rngs) -> nnx.Linear:
    return nnx.Linear(fan_in, out, kernel_init=SMALL, rngs=rngs)


class _Stem(nnx.Module):
    """Patches, each a linear map to `width`; a class token before them; a learned position added to each."""

    def __init__(self, shape: tuple[int, int, int], patch: int, width: int, rngs: nnx.Rngs):
        sides = (patch, patch)
        tokens = (shape[0] // patch) * (shape[1] // patch) + 1
        self.proj = nnx.Conv(shape[2], width, sides, strides=sides, padding="VALID", kernel_init=SMALL, rngs=rngs)
        self.cls = nnx.Param(SMALL(rngs.params(), (1, 1, width)))
        self.position = nnx.Param(SMALL(rngs.params(), (1, tokens, width)))

    def __call__(self, x: Array) -> Array:
        x = self.proj(x)
        x = x.reshape(x.shape[0], -1, x.shape[-1])
        first = jnp.broadcast_to(self.cls[...].astype(x.dtype), (x.shape[0], 1, x.shape[-1]))
        return jnp.concatenate([first, x], 1) + self.position[...].astype(x.dtype)


class _Block(nnx.Module):
    """x = x + proj(attention(LN(x))); x + fc2(GELU(fc1(LN(x)))). Queries, keys and values are one linear map."""

    def __init__(self, width: int, heads: int, rngs: nnx.Rngs):
        self.heads = heads
        self.norm1, self.norm2 = _norm(width, rngs), _norm(width, rngs)
        self.qkv, self.proj = _linear(width, 3 * width, rngs), _linear(width, width, rngs)
        self.fc1, self.fc2 = _linear(width, 4 * width, rngs), _linear(4 * width, width, rngs)

    def __call__(self, x: Array) -> Array:
        batch, tokens, width = x.shape
        qkv = self.qkv(self.norm1(x)).reshape(batch, tokens, 3, self.heads, width // self.heads)
        q, k, v = (qkv[:, :, i] for i in range(3))
        x = x + self.proj(jax.nn.dot_product_attention(q, k, v).reshape(batch, tokens, width))
        return x + self.fc2(nnx.gelu(self.fc1(self.norm2(x)), approximate=False))


TIMM = Names(
    (
        ("cls_token", "stem/cls"),
        ("pos_embed", "stem/position"),
        *layer(r"patch_embed\.proj", "stem/proj"),
        *norm(r"blocks\.(\d+)\.norm([12])", r"stages/\1/norm\2"),
        *layer(r"blocks\.(\d+)\.attn\.(qkv|proj)", r"stages/\1/\2"),
        *layer(r"blocks\.(\d+)\.mlp\.fc([12])", r"stages/\1/fc\2"),
        *norm("norm", "norm"),
        *layer("head", "head"),
    )
)
LAYER = r"encoder\.layers\.encoder_layer_(\d+)"
TORCHVISION = Names(
    (
        ("class_token", "stem/cls"),
        (r"encoder\.pos_embedding", "stem/position"),
        *layer("conv_proj", "stem/proj"),
        *norm(rf"{LAYER}\.ln_([12])", r"stages/\1/norm\2"),
        (rf"{LAYER}\.self_attention\.in_proj_weight", r"stages/\1/qkv/kernel"),
        (rf"{LAYER}\.self_attention\.in_proj_bias", r"stages/\1/qkv/bias"),
        *layer(rf"{LAYER}\.self_attention\.out_proj", r"stages/\1/proj"),
        *layer(rf"{LAYER}\.mlp\.(?:0|linear_1)", r"stages/\1/fc1"),
        *layer(rf"{LAYER}\.mlp\.(?:3|linear_2)", r"stages/\1/fc2"),
        *norm(r"encoder\.ln", "norm"),
        *layer(r"heads\.head", "head"),
    )
)


def resized(position: np.ndarray, grid: tuple[int, int]) -> np.ndarray:
    """A position embedding [1, 1 + s s, width] for another grid: [1, 1 + rows columns, width].

    Bicubic (a = -0.5), with antialiasing, as timm's; the class token's row stays.

    Raises:
        WeightsError: the published grid is not square.
    """
    cls, patches = position[:, :1], position[:, 1:]
    side = math.isqrt(patches.shape[1])
    if side * side != patches.shape[1]:
        raise WeightsError(
            f"the position embedding has {position.shape[1]} positions; expected 1 + a square, such as 197"
        )
    if grid == (side, side):
        return position
    image = patches.reshape(side, side, -1)
    image = jax.image.resize(image.astype(np.float32), (*grid, image.shape[2]), "cubic", antialias=True)
    return np.concatenate([cls, np.asarray(image).reshape(1, -1, image.shape[2])], 1, dtype=position.dtype)


class ViTSmall(nnx.Module):
    """ViT-S/16 (DeiT-S): patches of 16x16 to 384, class token, 12 blocks of 6 heads, layer norm of the token (384).

    Groups: "features/stem/*" (patches, class token, positions), "features/stages/0/*" to "features/stages/11/*" (a
    block each), "features/norm/*", "head/*". Sides are multiples of the patch's; published positions are resized.

    Reference: Touvron et al., "Training Data-Efficient Image Transformers & Distillation through Attention", ICML 2021.
    """

    patch: ClassVar[int] = 16
    blocks: ClassVar[int] = 12
    heads: ClassVar[int] = 6
    width: int = 384
    weights: ClassVar[Mapping[str, Names]] = {"timm": TIMM}

    def __init__(self, shape: tuple[int, int, int], rngs: nnx.Rngs):
        if shape[0] % self.patch or shape[1] % self.patch:
            name, got = type(self).__name__, f"{shape[0]}x{shape[1]}"
            raise ContractError(f"{name} needs sides that are multiples of {self.patch} pixels; got {got}")
        self.stem = _Stem(shape, self.patch, self.width, rngs)
        self.stages = nnx.List([_Block(self.width, self.heads, rngs) for _ in range(self.blocks)])
        self.norm = _norm(self.width, rngs)

    def __call__(self, x: Float[Array, "batch height width channels"]) -> Float[Array, "batch features"]:
        x = self.stem(x)
        for block in self.stages:
            x = block(x)
        return self.norm(x[:, 0])

    @classmethod
    def adapt(cls, tensors: Mapping[str, np.ndarray], in_shape: tuple[int, int, int]) -> dict[str, np.ndarray]:
        """The position embedding resized to the grid of `in_shape`."""
        if "stem/position" not in tensors:
            return dict(tensors)
        grid = (in_shape[0] // cls.patch, in_shape[1] // cls.patch)
        return {**tensors, "stem/position": resized(tensors["stem/position"], grid)}

    @classmethod
    def tiny(cls) -> type:
        """One block on patches of 4x4."""
        return shrunk(ViTSmall, patch=4, blocks=1, heads=3, width=12)


class ViTTiny(ViTSmall):
    """ViT-Ti/16 (DeiT-Ti): as `vit_small_patch16`, 192 wide with 3 heads."""

    heads, width = 3, 192


class ViTBase(ViTSmall):
    """ViT-B/16 (DeiT-B): as `vit_small_patch16`, 768 wide with 12 heads."""

    heads, width = 12, 768
    weights: ClassVar[Mapping[str, Names]] = {"timm": TIMM, "torchvision": TORCHVISION}


class ViTTinyPatch4(ViTTiny):
    """ViT-Ti with patches of 4x4, for images of 32x32 (65 tokens)."""

    patch = 4


class ViTSmallPatch4(ViTSmall):
    """ViT-S with patches of 4x4, for images of 32x32 (65 tokens)."""

    patch = 4
