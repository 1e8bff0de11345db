"""Wide residual networks as semi-supervised learning uses them (MixMatch, FixMatch, AdaMatch)."""

from flax import nnx
from jaxtyping import Array, Float

from tlx import ContractError


def _leaky(x: Array) -> Array:
    return nnx.leaky_relu(x, 0.1)


def _conv(fan_in: int, out: int, side: int, stride: int, rngs: nnx.Rngs) -> nnx.Conv:
    """A convolution whose kernel starts normal with variance 2 / (side^2 out)."""
    init = nnx.initializers.variance_scaling(2.0, "fan_out", "normal")
    return nnx.Conv(fan_in, out, (side, side), strides=(stride, stride), kernel_init=init, rngs=rngs)


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

    repeat = 4  # blocks of one width

    def __init__(self, shape: tuple[int, int, int], rngs: nnx.Rngs):
        if min(shape[:2]) < 4:
            raise ContractError(f"wrn_28_2 needs images of at least 4x4 pixels; got {shape[0]}x{shape[1]}")
        self.width = 128
        self.conv = _conv(shape[2], 16, 3, 1, rngs)
        blocks, fan_in = [], 16
        for scale, out in enumerate((32, 64, 128)):
            for i in range(self.repeat):
                stride = 2 if scale and not i else 1
                blocks.append(_Block(fan_in, out, stride, not (scale or i), rngs))
                fan_in = out
        self.blocks = nnx.List(blocks)
        self.bn = _norm(128, rngs)

    def __call__(self, x: Float[Array, "batch height width channels"]) -> Float[Array, "batch 128"]:
        x = self.conv(x)
        for block in self.blocks:
            x = block(x)
        return _leaky(self.bn(x)).mean((1, 2))
