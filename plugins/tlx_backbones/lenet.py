"""LeNet as the adaptation papers use it (ADDA, CDAN, TLLib): conv5 20, pool, conv5 50, pool, fc 500."""

import math

from flax import nnx
from jaxtyping import Array, Float

from tlx import ContractError
from tlx_backbones.uniform import conv, linear


def _flat(shape: tuple[int, int, int]) -> int:
    """The flattened length after two blocks of a 5x5 VALID convolution and a 2x2 pool."""
    sides = [((side - 4) // 2 - 4) // 2 for side in shape[:2]]
    if min(sides) < 1:
        raise ContractError(f"lenet needs images of at least 16x16 pixels; got {shape[0]}x{shape[1]}")
    return math.prod(sides) * 50


class LeNet(nnx.Module):
    """conv 5x5 20, pool, ReLU, conv 5x5 50, pool, ReLU, fc 500, ReLU (VALID; 28x28 gives 800 before fc).

    LeCun et al. 1998, in the widths of Tzeng et al. 2017 (ADDA); no dropout.
    """

    def __init__(self, shape: tuple[int, int, int], rngs: nnx.Rngs):
        self.width = 500
        self.conv1 = nnx.Conv(shape[2], 20, (5, 5), padding="VALID", rngs=rngs)
        self.conv2 = nnx.Conv(20, 50, (5, 5), padding="VALID", rngs=rngs)
        self.fc = nnx.Linear(_flat(shape), 500, rngs=rngs)

    def __call__(self, x: Float[Array, "batch height width channels"]) -> Float[Array, "batch 500"]:
        x = nnx.relu(nnx.max_pool(self.conv1(x), (2, 2), (2, 2)))
        x = nnx.relu(nnx.max_pool(self.conv2(x), (2, 2), (2, 2)))
        return nnx.relu(self.fc(x.reshape(x.shape[0], -1)))


class LeNetDropout(nnx.Module):
    """LeNet with dropout of 0.5 by channel after the second convolution, and after fc, as in CDAN's and TLLib's code.

    Kernels and biases start as PyTorch's do. With a linear classifier of ten classes it has 431,080 parameters.

    Reference: Jiang et al., "Transferability in Deep Learning: A Survey", 2022 (TLLib); Long et al. 2018 (CDAN).
    """

    def __init__(self, shape: tuple[int, int, int], rngs: nnx.Rngs):
        self.width = 500
        self.conv1 = conv(shape[2], 20, rngs, padding="VALID")
        self.conv2 = conv(20, 50, rngs, padding="VALID")
        self.conv_drop = nnx.Dropout(0.5, broadcast_dims=(1, 2), rngs=rngs)
        self.fc = linear(_flat(shape), 500, rngs)
        self.drop = nnx.Dropout(0.5, rngs=rngs)

    def __call__(self, x: Float[Array, "batch height width channels"]) -> Float[Array, "batch 500"]:
        x = nnx.relu(nnx.max_pool(self.conv1(x), (2, 2), (2, 2)))
        x = nnx.relu(nnx.max_pool(self.conv_drop(self.conv2(x)), (2, 2), (2, 2)))
        return self.drop(nnx.relu(self.fc(x.reshape(x.shape[0], -1))))


class LeNetBN(nnx.Module):
    """LeNet with batch norm after each convolution and the dense layer, for methods that adapt normalisation (TENT)."""

    def __init__(self, shape: tuple[int, int, int], rngs: nnx.Rngs):
        self.width = 500
        self.conv1 = nnx.Conv(shape[2], 20, (5, 5), padding="VALID", rngs=rngs)
        self.bn1 = nnx.BatchNorm(20, momentum=0.9, rngs=rngs)
        self.conv2 = nnx.Conv(20, 50, (5, 5), padding="VALID", rngs=rngs)
        self.bn2 = nnx.BatchNorm(50, momentum=0.9, rngs=rngs)
        self.fc = nnx.Linear(_flat(shape), 500, rngs=rngs)
        self.bn3 = nnx.BatchNorm(500, momentum=0.9, rngs=rngs)

    def __call__(self, x: Float[Array, "batch height width channels"]) -> Float[Array, "batch 500"]:
        x = nnx.relu(nnx.max_pool(self.bn1(self.conv1(x)), (2, 2), (2, 2)))
        x = nnx.relu(nnx.max_pool(self.bn2(self.conv2(x)), (2, 2), (2, 2)))
        return nnx.relu(self.bn3(self.fc(x.reshape(x.shape[0], -1))))
