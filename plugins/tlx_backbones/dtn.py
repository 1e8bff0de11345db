"""DTN, the network of the SVHN tasks (CDAN, SHOT, TLLib)."""

from typing import ClassVar

from flax import nnx
from jaxtyping import Array, Float

from tlx import ContractError
from tlx_backbones.tiny import shrunk


class DTN(nnx.Module):
    """Three 5x5 convolutions of stride 2 (64, 128, 256) with batch norm and dropout, then fc 512, BN, ReLU, dropout.

    For 32x32 images: 4096 before fc. Dropout is .1, .3, .5 by channel (as `Dropout2d`), then .5. Kernels start
    LeCun-normal and biases at zero; in the code PyTorch's uniform, a third of that variance.

    Reference: Long et al., "Conditional Adversarial Domain Adaptation", NeurIPS 2018 (its code).
    """

    widths: ClassVar[tuple[int, ...]] = (64, 128, 256)
    width: int = 512

    def __init__(self, shape: tuple[int, int, int], rngs: nnx.Rngs):
        height, width, channels = shape
        if height % 8 or width % 8:
            raise ContractError(f"dtn needs sides that are multiples of 8 pixels; got {height}x{width}")
        sizes, rates = (channels, *self.widths), (0.1, 0.3, 0.5)
        self.convs = nnx.List(
            [
                nnx.Conv(fan_in, out, (5, 5), strides=(2, 2), padding=((2, 2), (2, 2)), rngs=rngs)
                for fan_in, out in zip(sizes[:-1], sizes[1:], strict=True)
            ]
        )
        self.bns = nnx.List([nnx.BatchNorm(out, momentum=0.9, rngs=rngs) for out in sizes[1:]])
        self.drops = nnx.List([nnx.Dropout(rate, broadcast_dims=(1, 2), rngs=rngs) for rate in rates])
        self.fc = nnx.Linear(height // 8 * (width // 8) * sizes[-1], self.width, rngs=rngs)
        self.fc_bn = nnx.BatchNorm(self.width, momentum=0.9, rngs=rngs)
        self.fc_drop = nnx.Dropout(0.5, rngs=rngs)

    def __call__(self, x: Float[Array, "batch height width channels"]) -> Float[Array, "batch features"]:
        for conv, bn, drop in zip(self.convs, self.bns, self.drops, strict=True):
            x = nnx.relu(drop(bn(conv(x))))
        return self.fc_drop(nnx.relu(self.fc_bn(self.fc(x.reshape(x.shape[0], -1)))))

    @classmethod
    def tiny(cls) -> type:
        """With narrow layers."""
        return shrunk(cls, widths=(4, 6, 8), width=12)
