"""The convolutional network of domain adaptation for time series."""

from typing import ClassVar

import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float

from tlx import ContractError
from tlx_backbones.tiny import shrunk


class CNN1D(nnx.Module):
    """Three times conv, batch norm, ReLU, pool 2; sides 5, 8, 8; 64, 128, 128 channels; dropout .5; mean over time.

    For time series [T, C]. No biases in convolutions; dropout is after the first block. These are the benchmark's
    settings for human activity (HAR), in which the stride of the first convolution is 1. Kernels start LeCun-normal.

    Reference: Ragab et al., "AdaTime: A Benchmarking Suite for Domain Adaptation on Time Series Data", TKDD 2023.
    """

    widths: ClassVar[tuple[int, ...]] = (64, 128, 128)

    def __init__(self, shape: tuple[int, int], rngs: nnx.Rngs):
        if len(shape) != 2:
            raise ContractError(f"cnn1d needs time series, whose rows have the shape (time, channels); got {shape}")
        self.width = self.widths[-1]
        sizes = zip((shape[1], *self.widths[:-1]), self.widths, (5, 8, 8), strict=True)
        # along a second axis of length 1: convolutions over two axes are the fast ones
        self.convs = nnx.List(
            [
                nnx.Conv(a, b, (side, 1), padding=((side // 2, side // 2), (0, 0)), use_bias=False, rngs=rngs)
                for a, b, side in sizes
            ]
        )
        self.bns = nnx.List([nnx.BatchNorm(size, momentum=0.9, rngs=rngs) for size in self.widths])
        self.drop = nnx.Dropout(0.5, rngs=rngs)

    def __call__(self, x: Float[Array, "batch time channels"]) -> Float[Array, "batch features"]:
        x = x[:, :, None]
        for number, (conv, bn) in enumerate(zip(self.convs, self.bns, strict=True)):
            x = jnp.pad(nnx.relu(bn(conv(x))), ((0, 0), (1, 1), (0, 0), (0, 0)))  # no value is below the padding's 0
            x = nnx.max_pool(x, (2, 1), (2, 1))
            x = x if number else self.drop(x)
        return x.mean((1, 2))

    @classmethod
    def tiny(cls) -> type:
        """With narrow convolutions."""
        return shrunk(CNN1D, widths=(4, 6, 6))
