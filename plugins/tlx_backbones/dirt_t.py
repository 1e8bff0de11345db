"""The networks of VADA and DIRT-T, split where the paper's discriminator looks: after the second pooling.

Shu et al., ICLR 2018, and its code ("trim" 5). The classifier is the last three convolutions, the global mean and the
dense layer; batch norm is before every leaky ReLU, and on the logits too. Kernels start Xavier-uniform. Use them with a
recipe without bottleneck.
"""

from typing import ClassVar

import jax
from flax import nnx
from jaxtyping import Array, Float

from tlx import ContractError
from tlx.layers import GaussianNoise
from tlx_backbones.dann import fourth
from tlx_backbones.tiny import shrunk

XAVIER = nnx.initializers.xavier_uniform()


def _norm(size: int, rngs: nnx.Rngs) -> nnx.BatchNorm:
    return nnx.BatchNorm(size, momentum=0.99, epsilon=1e-3, rngs=rngs)


class _Convs(nnx.Module):
    """Three times: conv 3x3, batch norm, leaky ReLU 0.1."""

    def __init__(self, fan_in: int, out: int, rngs: nnx.Rngs):
        self.convs = nnx.List(
            [nnx.Conv(size, out, (3, 3), kernel_init=XAVIER, rngs=rngs) for size in (fan_in, out, out)]
        )
        self.bns = nnx.List([_norm(out, rngs) for _ in range(3)])

    def __call__(self, x: Array) -> Array:
        for conv, bn in zip(self.convs, self.bns, strict=True):
            x = nnx.leaky_relu(bn(conv(x)), 0.1)
        return x


class _Classifier(nnx.Module):
    """Features as an image, three convolutions, global mean, dense, batch norm."""

    def __init__(self, image: tuple[int, int, int], classes: int, rngs: nnx.Rngs):
        self.image = image
        self.convs = _Convs(image[2], image[2], rngs)
        self.fc = nnx.Linear(image[2], classes, kernel_init=XAVIER, rngs=rngs)
        self.bn = _norm(classes, rngs)

    def __call__(self, x: Float[Array, "batch features"]) -> Float[Array, "batch classes"]:
        return self.bn(self.fc(self.convs(x.reshape(-1, *self.image)).mean((1, 2))))


class DIRTTSmall(nnx.Module):
    """Twice: 3 x conv 3x3 64, pool, dropout .5, noise of std 1; classifier 3 x conv 3x3 64, global mean, dense.

    For digits, 32x32x3 (features 8x8x64). Leaky ReLU 0.1, batch norm.

    Reference: Shu et al., "A DIRT-T Approach to Unsupervised Domain Adaptation", ICLR 2018.
    """

    channels: ClassVar[tuple[int, int]] = (64, 64)
    instance_norm: ClassVar[bool] = False

    def __init__(self, shape: tuple[int, int, int], rngs: nnx.Rngs):
        first, second = self.channels
        self.width = fourth(shape, "dirt_t") * second
        self.image = (shape[0] // 4, shape[1] // 4, second)
        self.convs = nnx.List([_Convs(shape[2], first, rngs), _Convs(first, second, rngs)])
        self.drops = nnx.List([nnx.Dropout(0.5, rngs=rngs) for _ in range(2)])
        self.noises = nnx.List([GaussianNoise(1.0, rngs) for _ in range(2)])

    def __call__(self, x: Float[Array, "batch height width channels"]) -> Float[Array, "batch features"]:
        if self.instance_norm:
            x = (x - x.mean((1, 2), keepdims=True)) * jax.lax.rsqrt(x.var((1, 2), keepdims=True) + 1e-5)
        for convs, drop, noise in zip(self.convs, self.drops, self.noises, strict=True):
            x = noise(drop(nnx.max_pool(convs(x), (2, 2), (2, 2))))
        return x.reshape(x.shape[0], -1)

    def head(self, width: int, classes: int, rngs: nnx.Rngs) -> nnx.Module:
        """Three convolutions, global mean, dense, batch norm. Raises ContractError on other features than its own."""
        if width != self.width:
            raise ContractError(
                f"the classifier of {type(self).__name__} takes its own features, {self.image} as {self.width}; "
                f"got {width} (use it with bottleneck 0)"
            )
        return _Classifier(self.image, classes, rngs)

    @classmethod
    def tiny(cls) -> type:
        """With narrow convolutions."""
        return shrunk(DIRTTSmall, channels=(4, 6), instance_norm=cls.instance_norm)


class DIRTTSmallIN(DIRTTSmall):
    """`dirt_t_small` on images normalised each by itself, per channel: (x - mean) / std.

    Reference: Shu et al., "A DIRT-T Approach to Unsupervised Domain Adaptation", ICLR 2018.
    """

    instance_norm = True


class DIRTTLarge(DIRTTSmall):
    """`dirt_t_small` with 96, 192 and 192 channels in place of 64, for CIFAR and STL (features 8x8x192).

    Reference: Shu et al., "A DIRT-T Approach to Unsupervised Domain Adaptation", ICLR 2018.
    """

    channels = (96, 192)


class DIRTTLargeIN(DIRTTLarge):
    """`dirt_t_large` on images normalised each by itself, per channel: (x - mean) / std.

    Reference: Shu et al., "A DIRT-T Approach to Unsupervised Domain Adaptation", ICLR 2018.
    """

    instance_norm = True
