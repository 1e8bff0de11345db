"""The digits networks of source hypothesis transfer: features end in the bottleneck, the head is weight-normalised.

Liang et al., ICML 2020, and its code. Use them with a recipe without bottleneck (theirs has dropout and no ReLU, the
recipe's the reverse). Convolutions and the head start as PyTorch's do, uniform in +-1/sqrt(fan in); the bottleneck's
kernel is Xavier-normal, its bias zero. (The code has Kaiming and Xavier initialisers for the others too, which do not
reach them: convolutions are not given to it, and weight norm computes its weights anew.)
"""

import math
from typing import ClassVar

from flax import nnx
from jaxtyping import Array, Float

from tlx import ContractError
from tlx.layers import WeightNormLinear
from tlx_backbones.tiny import shrunk
from tlx_backbones.uniform import conv

XAVIER = nnx.initializers.xavier_normal()


class _SHOT(nnx.Module):
    """Bottleneck and head, common to both trunks."""

    def _bottleneck(self, flat: int, rngs: nnx.Rngs) -> None:
        self.width = 256
        self.fc = nnx.Linear(flat, 256, kernel_init=XAVIER, rngs=rngs)
        self.bn = nnx.BatchNorm(256, momentum=0.9, rngs=rngs)
        self.drop = nnx.Dropout(0.5, rngs=rngs)

    def _out(self, x: Array) -> Array:
        return self.drop(self.bn(self.fc(x.reshape(x.shape[0], -1))))

    def head(self, width: int, classes: int, rngs: nnx.Rngs) -> nnx.Module:
        """Linear with weight norm."""
        return WeightNormLinear(width, classes, rngs)


class SHOTLeNet(_SHOT):
    """conv 5x5 20, pool, ReLU, conv 5x5 50, dropout by channel, pool, ReLU (VALID), fc 256, BN, dropout; weight norm.

    For MNIST and USPS, 28x28x1 (800 before fc).

    Reference: Liang et al., "Do We Really Need to Access the Source Data?", ICML 2020.
    """

    def __init__(self, shape: tuple[int, int, int], rngs: nnx.Rngs):
        sides = [((side - 4) // 2 - 4) // 2 for side in shape[:2]]
        if min(sides) < 1:
            raise ContractError(f"shot_lenet needs images of at least 16x16 pixels; got {shape[0]}x{shape[1]}")
        self.conv1 = conv(shape[2], 20, rngs, padding="VALID")
        self.conv2 = conv(20, 50, rngs, padding="VALID")
        self.conv_drop = nnx.Dropout(0.5, broadcast_dims=(1, 2), rngs=rngs)
        self._bottleneck(math.prod(sides) * 50, rngs)

    def __call__(self, x: Float[Array, "batch height width channels"]) -> Float[Array, "batch 256"]:
        x = nnx.relu(nnx.max_pool(self.conv1(x), (2, 2), (2, 2)))
        x = nnx.relu(nnx.max_pool(self.conv_drop(self.conv2(x)), (2, 2), (2, 2)))
        return self._out(x)


class SHOTDTN(_SHOT):
    """DTN's three convolutions (64, 128, 256; BN, dropout .1, .3, .5 by channel), fc 256, BN, dropout; weight norm.

    For SVHN and MNIST, 32x32x3 (4096 before fc).

    Reference: Liang et al., "Do We Really Need to Access the Source Data?", ICML 2020.
    """

    widths: ClassVar[tuple[int, ...]] = (64, 128, 256)

    def __init__(self, shape: tuple[int, int, int], rngs: nnx.Rngs):
        height, width, channels = shape
        if height % 8 or width % 8:
            raise ContractError(f"shot_dtn needs sides that are multiples of 8 pixels; got {height}x{width}")
        sizes, rates = (channels, *self.widths), (0.1, 0.3, 0.5)
        stride = {"strides": (2, 2), "padding": ((2, 2), (2, 2))}
        self.convs = nnx.List([conv(a, b, rngs, **stride) for a, b in zip(sizes[:-1], sizes[1:], strict=True)])
        self.bns = nnx.List([nnx.BatchNorm(size, momentum=0.9, rngs=rngs) for size in sizes[1:]])
        self.drops = nnx.List([nnx.Dropout(rate, broadcast_dims=(1, 2), rngs=rngs) for rate in rates])
        self._bottleneck(height // 8 * (width // 8) * self.widths[-1], rngs)

    def __call__(self, x: Float[Array, "batch height width channels"]) -> Float[Array, "batch 256"]:
        for layer, bn, drop in zip(self.convs, self.bns, self.drops, strict=True):
            x = nnx.relu(drop(bn(layer(x))))
        return self._out(x)

    @classmethod
    def tiny(cls) -> type:
        """With narrow convolutions."""
        return shrunk(SHOTDTN, widths=(4, 6, 8))
