"""Wide residual networks as semi-supervised learning uses them (MixMatch, FixMatch, AdaMatch)."""

from typing import ClassVar

from flax import nnx
from jaxtyping import Array, Float

from tlx import ContractError
from tlx_backbones.tiny import shrunk

HE = nnx.initializers.variance_scaling(2.0, "fan_out", "normal")


def _leaky(x: Array) -> Array:
    return nnx.leaky_relu(x, 0.1)


def _conv(fan_in: int, out: int, side: int, stride: int, rngs: nnx.Rngs) -> nnx.Conv:
    """A convolution whose kernel starts normal with variance 2 / (side^2 out)."""
    return nnx.Conv(fan_in, out, (side, side), strides=(stride, stride), kernel_init=HE, rngs=rngs)


def _norm(size: int, rngs: nnx.Rngs) -> nnx.BatchNorm:
    return nnx.BatchNorm(size, momentum=0.999, epsilon=1e-3, rngs=rngs)


class _Block(nnx.Module):
    """x + conv(act(conv(act(x)))), act = leaky ReLU of batch norm; `first`: its shortcut begins at act(x)."""

    def __init__(self, fan_in: int, out: int, stride: int, first: bool, rngs: nnx.Rngs):
        self.first = first
        self.bn1, self.bn2 = _norm(fan_in, rngs), _norm(out, rngs)
        self.conv1, self.conv2 = _conv(fan_in, out, 3, stride, rngs), _conv(out, out, 3, 1, rngs)
        self.shortcut = _conv(fan_in, out, 1, stride, rngs) if fan_in != out else None

    def __call__(self, x: Array) -> Array:
        y = _leaky(self.bn1(x))
        x = y if self.first else x
        y = self.conv2(_leaky(self.bn2(self.conv1(y))))
        return y + (self.shortcut(x) if self.shortcut is not None else x)


class WRN28x2(nnx.Module):
    """WideResNet-28-2: conv 3x3 16; 4 blocks each of 32, 64/2, 128/2; batch norm, leaky ReLU 0.1, global mean (128).

    For 32x32x3. Convolutions have biases, and kernels variance 2 / (k^2 out), as in the code of FixMatch and AdaMatch.
    Batch norm has their momentum 0.999: in evaluation it needs some thousand steps to settle.

    Reference: Zagoruyko & Komodakis, "Wide Residual Networks", BMVC 2016; Berthelot et al., "AdaMatch", ICLR 2022.
    """

    repeat: ClassVar[int] = 4  # blocks of one width
    widths: ClassVar[tuple[int, ...]] = (16, 32, 64, 128)

    def __init__(self, shape: tuple[int, int, int], rngs: nnx.Rngs):
        if min(shape[:2]) < 4:
            raise ContractError(f"wrn_28_2 needs images of at least 4x4 pixels; got {shape[0]}x{shape[1]}")
        first, *widths = self.widths
        self.width = widths[-1]
        self.conv = _conv(shape[2], first, 3, 1, rngs)
        blocks, fan_in = [], first
        for scale, out in enumerate(widths):
            for i in range(self.repeat):
                stride = 2 if scale and not i else 1
                blocks.append(_Block(fan_in, out, stride, not (scale or i), rngs))
                fan_in = out
        self.blocks = nnx.List(blocks)
        self.bn = _norm(self.width, rngs)

    def __call__(self, x: Float[Array, "batch height width channels"]) -> Float[Array, "batch features"]:
        x = self.conv(x)
        for block in self.blocks:
            x = block(x)
        return _leaky(self.bn(x)).mean((1, 2))

    @classmethod
    def tiny(cls) -> type:
        """One block of each of two widths."""
        return shrunk(WRN28x2, repeat=1, widths=(4, 4, 6))
