"""The networks of maximum classifier discrepancy, split as there into generator (features) and classifier.

Saito et al., CVPR 2018, and its code. Use them with a recipe without bottleneck. Batch norm's momentum is PyTorch's
0.1; kernels start LeCun-normal (in the code: PyTorch's uniform, a third of that variance).
"""

from typing import ClassVar

from flax import nnx
from jaxtyping import Array, Float

from tlx import ContractError
from tlx_backbones.dann import fourth
from tlx_backbones.dense import DenseClassifier
from tlx_backbones.pool import ONE_AROUND
from tlx_backbones.tiny import shrunk


class MCDDigits(nnx.Module):
    """DANN's SVHN network with batch norm: conv 5x5 64, 64, 128 (pool 3x3/2 after two), fc 3072, dropout; head 2048.

    For SVHN to MNIST, 32x32x3 (8192 before fc). The first dense layer belongs to the generator, as in the code.

    Reference: Saito et al., "Maximum Classifier Discrepancy for Unsupervised Domain Adaptation", CVPR 2018.
    """

    widths: ClassVar[tuple[int, ...]] = (64, 64, 128)
    width: int = 3072
    hidden: ClassVar[int] = 2048  # of the classifier

    def __init__(self, shape: tuple[int, int, int], rngs: nnx.Rngs):
        sizes = (shape[2], *self.widths)
        self.convs = nnx.List([nnx.Conv(a, b, (5, 5), rngs=rngs) for a, b in zip(sizes[:-1], sizes[1:], strict=True)])
        self.bns = nnx.List([nnx.BatchNorm(size, momentum=0.9, rngs=rngs) for size in sizes[1:]])
        self.fc = nnx.Linear(fourth(shape, "mcd_digits") * sizes[-1], self.width, rngs=rngs)
        self.fc_bn = nnx.BatchNorm(self.width, momentum=0.9, rngs=rngs)
        self.drop = nnx.Dropout(0.5, rngs=rngs)

    def __call__(self, x: Float[Array, "batch height width channels"]) -> Float[Array, "batch features"]:
        for i, (conv, bn) in enumerate(zip(self.convs, self.bns, strict=True)):
            x = nnx.relu(bn(conv(x)))
            x = nnx.max_pool(x, (3, 3), (2, 2), ONE_AROUND) if i < 2 else x
        return self.drop(nnx.relu(self.fc_bn(self.fc(x.reshape(x.shape[0], -1)))))

    def head(self, width: int, classes: int, rngs: nnx.Rngs) -> nnx.Module:
        """fc 2048, batch norm, ReLU, fc classes."""
        return DenseClassifier((width, self.hidden, classes), rngs, normalised=True)

    @classmethod
    def tiny(cls) -> type:
        """With narrow layers."""
        return shrunk(MCDDigits, widths=(4, 4, 6), width=12, hidden=8)


class MCDUsps(nnx.Module):
    """conv 5x5 32, BN, ReLU, pool, conv 5x5 48, BN, ReLU, pool (VALID; 28x28 gives 768); head 100-100, BN and dropout.

    For MNIST and USPS, 28x28; colour is averaged to one channel.

    Reference: Saito et al., "Maximum Classifier Discrepancy for Unsupervised Domain Adaptation", CVPR 2018.
    """

    def __init__(self, shape: tuple[int, int, int], rngs: nnx.Rngs):
        height, width = (((side - 4) // 2 - 4) // 2 for side in shape[:2])
        if min(height, width) < 1:
            raise ContractError(f"mcd_usps needs images of at least 16x16 pixels; got {shape[0]}x{shape[1]}")
        self.width = height * width * 48
        self.conv1 = nnx.Conv(1, 32, (5, 5), padding="VALID", rngs=rngs)
        self.bn1 = nnx.BatchNorm(32, momentum=0.9, rngs=rngs)
        self.conv2 = nnx.Conv(32, 48, (5, 5), padding="VALID", rngs=rngs)
        self.bn2 = nnx.BatchNorm(48, momentum=0.9, rngs=rngs)

    def __call__(self, x: Float[Array, "batch height width channels"]) -> Float[Array, "batch features"]:
        x = x.mean(-1, keepdims=True)
        x = nnx.max_pool(nnx.relu(self.bn1(self.conv1(x))), (2, 2), (2, 2))
        x = nnx.max_pool(nnx.relu(self.bn2(self.conv2(x))), (2, 2), (2, 2))
        return x.reshape(x.shape[0], -1)

    def head(self, width: int, classes: int, rngs: nnx.Rngs) -> nnx.Module:
        """Dropout 0.5 before each of fc 100, fc 100, fc classes; batch norm and ReLU after the first two."""
        return DenseClassifier((width, 100, 100, classes), rngs, normalised=True, dropout=0.5)
