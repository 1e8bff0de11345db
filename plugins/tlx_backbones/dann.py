"""The networks of domain-adversarial training, split where its gradient is reversed: dense layers are the classifier's.

Ganin et al., "Domain-Adversarial Training of Neural Networks", JMLR 2016; no batch norm, no dropout. Use them
with a recipe without bottleneck. Their discriminators are 100 (MNIST) and 1024-1024 (SVHN) wide. Kernels start
LeCun-normal; the paper does not say.
"""

from typing import ClassVar

from flax import nnx
from jaxtyping import Array, Float

from tlx import ContractError
from tlx_backbones.dense import DenseClassifier
from tlx_backbones.pool import ONE_AROUND
from tlx_backbones.tiny import shrunk


def fourth(shape: tuple[int, int, int], name: str) -> int:
    """A fourth of the height times a fourth of the width. Raises ContractError for sides that do not divide by 4."""
    if shape[0] % 4 or shape[1] % 4:
        raise ContractError(f"{name} needs sides that are multiples of 4 pixels; got {shape[0]}x{shape[1]}")
    return shape[0] // 4 * (shape[1] // 4)


class DANNMnist(nnx.Module):
    """conv 5x5 32, ReLU, pool, conv 5x5 48, ReLU, pool (SAME; 28x28 gives 2352); classifier 100-100 with ReLU.

    For MNIST and MNIST-M, 28x28x3. Of the three widths in circulation this is that of tf-dann; without padding the
    features are 768 (MCD's for USPS, there with batch norm).

    Reference: Ganin et al., "Domain-Adversarial Training of Neural Networks", JMLR 2016.
    """

    def __init__(self, shape: tuple[int, int, int], rngs: nnx.Rngs):
        self.width = fourth(shape, "dann_mnist") * 48
        self.conv1 = nnx.Conv(shape[2], 32, (5, 5), rngs=rngs)
        self.conv2 = nnx.Conv(32, 48, (5, 5), rngs=rngs)

    def __call__(self, x: Float[Array, "batch height width channels"]) -> Float[Array, "batch features"]:
        for conv in (self.conv1, self.conv2):
            x = nnx.max_pool(nnx.relu(conv(x)), (2, 2), (2, 2))
        return x.reshape(x.shape[0], -1)

    def head(self, width: int, classes: int, rngs: nnx.Rngs) -> nnx.Module:
        """fc 100, ReLU, fc 100, ReLU, fc classes."""
        return DenseClassifier((width, 100, 100, classes), rngs)


class DANNSvhn(nnx.Module):
    """conv 5x5 64, ReLU, pool 3x3/2, twice; conv 5x5 128, ReLU (SAME; 32x32: 8192); classifier 3072-2048, ReLU.

    For SVHN and synthetic digits, 32x32x3. Padding is that of MCD's network of the same shape.

    Reference: Ganin et al., "Domain-Adversarial Training of Neural Networks", JMLR 2016.
    """

    widths: ClassVar[tuple[int, ...]] = (64, 64, 128)
    hidden: ClassVar[tuple[int, ...]] = (3072, 2048)  # of the classifier

    def __init__(self, shape: tuple[int, int, int], rngs: nnx.Rngs):
        first, second, third = self.widths
        self.width = fourth(shape, "dann_svhn") * third
        self.conv1 = nnx.Conv(shape[2], first, (5, 5), rngs=rngs)
        self.conv2 = nnx.Conv(first, second, (5, 5), rngs=rngs)
        self.conv3 = nnx.Conv(second, third, (5, 5), rngs=rngs)

    def __call__(self, x: Float[Array, "batch height width channels"]) -> Float[Array, "batch features"]:
        for conv in (self.conv1, self.conv2):
            x = nnx.max_pool(nnx.relu(conv(x)), (3, 3), (2, 2), ONE_AROUND)
        return nnx.relu(self.conv3(x)).reshape(x.shape[0], -1)

    def head(self, width: int, classes: int, rngs: nnx.Rngs) -> nnx.Module:
        """fc 3072, ReLU, fc 2048, ReLU, fc classes."""
        return DenseClassifier((width, *self.hidden, classes), rngs)

    @classmethod
    def tiny(cls) -> type:
        """With narrow layers."""
        return shrunk(DANNSvhn, widths=(4, 4, 6), hidden=(12, 8))
