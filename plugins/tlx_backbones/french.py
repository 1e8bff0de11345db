"""The digits network of self-ensembling."""

from flax import nnx
from jaxtyping import Array, Float

from tlx import ContractError


class FrenchDigits(nnx.Module):
    """conv 5x5 32, pool, conv 3x3 64, conv 3x3 64, pool, dropout .5, fc 256; batch norm after convolutions, ReLU.

    Without padding: 28x28 gives 1024 before fc. "mnist-bn-32-64-256" of the authors' code, for MNIST and USPS; use it
    with a recipe without bottleneck. Kernels start LeCun-normal.

    Reference: French, Mackiewicz, Fisher, "Self-ensembling for visual domain adaptation", ICLR 2018.
    """

    def __init__(self, shape: tuple[int, int, int], rngs: nnx.Rngs):
        height, width = (((side - 4) // 2 - 4) // 2 for side in shape[:2])
        if min(height, width) < 1:
            raise ContractError(f"french_digits needs images of at least 16x16 pixels; got {shape[0]}x{shape[1]}")
        self.width = 256
        sizes, kernels = (shape[2], 32, 64, 64), (5, 3, 3)
        self.convs = nnx.List(
            [
                nnx.Conv(a, b, (side, side), padding="VALID", rngs=rngs)
                for a, b, side in zip(sizes[:-1], sizes[1:], kernels, strict=True)
            ]
        )
        self.bns = nnx.List([nnx.BatchNorm(size, momentum=0.9, rngs=rngs) for size in sizes[1:]])
        self.drop = nnx.Dropout(0.5, rngs=rngs)
        self.fc = nnx.Linear(height * width * 64, 256, rngs=rngs)

    def __call__(self, x: Float[Array, "batch height width channels"]) -> Float[Array, "batch 256"]:
        for i, (conv, bn) in enumerate(zip(self.convs, self.bns, strict=True)):
            x = nnx.relu(bn(conv(x)))
            x = x if i == 1 else nnx.max_pool(x, (2, 2), (2, 2))
        return nnx.relu(self.fc(self.drop(x.reshape(x.shape[0], -1))))
