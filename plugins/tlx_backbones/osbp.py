"""The digits network of open set domain adaptation by backpropagation, as its public code has it."""

import math

import jax
from flax import nnx
from jaxtyping import Array, Float

from tlx import ContractError
from tlx_backbones.uniform import linear

KAIMING = nnx.initializers.variance_scaling(2 / (1 + 0.01**2), "fan_out", "normal")


class OSBPLeNet(nnx.Module):
    """LeNet with leaky ReLU, and batch norm after it: conv 5x5 20, pool, conv 5x5 50, pool, dropout 0.5, fc 500.

    For MNIST and USPS, 28x28 grey (800 before fc); use it with a recipe without bottleneck. Convolutions start
    Kaiming-normal by their fan out, fc as PyTorch's. Of YU1ut/openset-DA; the paper's own digits code is not public.

    Reference: Saito et al., "Open Set Domain Adaptation by Backpropagation", ECCV 2018.
    """

    def __init__(self, shape: tuple[int, int, int], rngs: nnx.Rngs):
        self.width = 500
        sides = [((side - 4) // 2 - 4) // 2 for side in shape[:2]]
        if min(sides) < 1:
            raise ContractError(f"osbp_lenet needs images of at least 16x16 pixels; got {shape[0]}x{shape[1]}")
        sizes = (shape[2], 20, 50)
        self.convs = nnx.List(
            [
                nnx.Conv(a, b, (5, 5), padding="VALID", kernel_init=KAIMING, rngs=rngs)
                for a, b in zip(sizes[:-1], sizes[1:], strict=True)
            ]
        )
        self.bns = nnx.List([nnx.BatchNorm(size, momentum=0.9, rngs=rngs) for size in (*sizes[1:], 500)])
        self.drop = nnx.Dropout(0.5, rngs=rngs)
        self.fc = linear(math.prod(sides) * 50, 500, rngs)

    def __call__(self, x: Float[Array, "batch height width channels"]) -> Float[Array, "batch 500"]:
        for conv, bn in zip(self.convs, self.bns, strict=False):
            x = nnx.max_pool(bn(jax.nn.leaky_relu(conv(x))), (2, 2), (2, 2))
        return self.bns[-1](jax.nn.leaky_relu(self.fc(self.drop(x.reshape(x.shape[0], -1)))))
