"""The small network of supervised domain adaptation on digits."""

from typing import ClassVar

from flax import nnx
from jaxtyping import Array, Float

from tlx import ContractError
from tlx_backbones.tiny import shrunk


class Conv2(nnx.Module):
    """conv 5x5 6, conv 5x5 16, pool, fc 1024, fc 128, ReLU after each; dropout after conv 1 and before each fc.

    Without padding: 16x16 gives 256 before fc 1024. Batch norm (epsilon 1e-3, momentum 0.9) is on the input and before
    the ReLU of each fc. Dropout is 0.25, and half of it after conv 1. Kernels start Glorot-uniform. "conv2" of the code
    of Hedegaard et al.; use it with a recipe without bottleneck.

    Reference: Hedegaard et al., "Supervised Domain Adaptation: A Graph Embedding Perspective and a Rectified
    Experimental Protocol", IEEE TIP 2021 (its code).
    """

    norm: ClassVar[bool] = True
    dropout: ClassVar[float] = 0.25
    widths: ClassVar[tuple[int, ...]] = (1024, 128)

    def __init__(self, shape: tuple[int, int, int], rngs: nnx.Rngs):
        height, width = ((side - 8) // 2 for side in shape[:2])
        if min(height, width) < 1:
            raise ContractError(f"conv2 needs images of at least 10x10 pixels; got {shape[0]}x{shape[1]}")
        glorot = nnx.initializers.glorot_uniform()
        sizes = (16 * height * width, *self.widths)
        self.width = sizes[-1]
        self.conv1 = nnx.Conv(shape[2], 6, (5, 5), padding="VALID", kernel_init=glorot, rngs=rngs)
        self.conv2 = nnx.Conv(6, 16, (5, 5), padding="VALID", kernel_init=glorot, rngs=rngs)
        self.drop = nnx.Dropout(self.dropout / 2, rngs=rngs)
        self.drops = nnx.List([nnx.Dropout(self.dropout, rngs=rngs) for _ in self.widths])
        self.fcs = nnx.List(
            [nnx.Linear(a, b, kernel_init=glorot, rngs=rngs) for a, b in zip(sizes[:-1], sizes[1:], strict=True)]
        )
        normed = (shape[2], *self.widths) if self.norm else ()
        self.bns = nnx.List([nnx.BatchNorm(size, momentum=0.9, epsilon=1e-3, rngs=rngs) for size in normed])

    def __call__(self, x: Float[Array, "batch height width channels"]) -> Float[Array, "batch features"]:
        x = self.bns[0](x) if self.norm else x
        x = nnx.relu(self.conv2(self.drop(nnx.relu(self.conv1(x)))))
        x = nnx.max_pool(x, (2, 2), (2, 2)).reshape(x.shape[0], -1)
        for i, (drop, fc) in enumerate(zip(self.drops, self.fcs, strict=True)):
            x = fc(drop(x))
            x = nnx.relu(self.bns[i + 1](x) if self.norm else x)
        return x

    @classmethod
    def tiny(cls) -> type:
        """With narrow layers."""
        return shrunk(cls, widths=(16, 8))


class Conv2CCSA(Conv2):
    """`conv2` without batch norm, dropout 0.1: as Hedegaard et al. (2021) tuned CCSA on MNIST -> USPS."""

    norm = False
    dropout = 0.1


class Conv2DSNE(Conv2):
    """`conv2` with dropout 0.187: as Hedegaard et al. (2021) tuned d-SNE on MNIST -> USPS."""

    dropout = 0.1872781583734256


class Conv2DAGE(Conv2):
    """`conv2` with dropout 0.241: as Hedegaard et al. (2021) tuned DAGE on MNIST -> USPS."""

    dropout = 0.2412034416347774
