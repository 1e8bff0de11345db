"""Wide residual networks as their paper has them; those of semi-supervised learning are in `wrn.py`.

Zagoruyko & Komodakis, "Wide Residual Networks", BMVC 2016: ReLU, no biases in convolutions, no dropout, batch norm of
PyTorch's momentum 0.1 and epsilon 1e-5, kernels Kaiming-normal by fan out.
"""

from typing import ClassVar

from flax import nnx
from jaxtyping import Array, Float

from tlx_backbones.tiny import shrunk

HE = nnx.initializers.variance_scaling(2.0, "fan_out", "normal")


def _conv(fan_in: int, out: int, side: int, stride: int, rngs: nnx.Rngs) -> nnx.Conv:
    return nnx.Conv(
        fan_in,
        out,
        (side, side),
        strides=(stride, stride),
        padding=side // 2,
        use_bias=False,
        kernel_init=HE,
        rngs=rngs,
    )


class _Block(nnx.Module):
    """x + conv(act(conv(act(x)))), act = ReLU of batch norm; where the width changes, conv1(act(x)) for x."""

    def __init__(self, fan_in: int, out: int, stride: int, rngs: nnx.Rngs):
        self.bn1, self.bn2 = (nnx.BatchNorm(size, momentum=0.9, rngs=rngs) for size in (fan_in, out))
        self.conv1, self.conv2 = _conv(fan_in, out, 3, stride, rngs), _conv(out, out, 3, 1, rngs)
        self.shortcut = _conv(fan_in, out, 1, stride, rngs) if fan_in != out else None

    def __call__(self, x: Array) -> Array:
        y = nnx.relu(self.bn1(x))
        x = x if self.shortcut is None else self.shortcut(y)
        return x + self.conv2(nnx.relu(self.bn2(self.conv1(y))))


class WRN28x10(nnx.Module):
    """WideResNet-28-10: conv 3x3 16; 4 blocks each of 160, 320/2, 640/2; batch norm, ReLU, global mean (640).

    Groups: "features/stem/*", "features/stages/0/*" to "features/stages/2/*" (blocks "features/stages/1/3/*"),
    "features/bn/*", "head/*". For 32x32; any size.

    Reference: Zagoruyko & Komodakis, "Wide Residual Networks", BMVC 2016.
    """

    repeat: ClassVar[int] = 4  # blocks of one width: depth = 6 repeat + 4
    widen: ClassVar[int] = 10
    base: ClassVar[tuple[int, ...]] = (16, 32, 64)

    def __init__(self, shape: tuple[int, int, int], rngs: nnx.Rngs):
        widths = tuple(size * self.widen for size in self.base)
        self.width = widths[-1]
        self.stem = _conv(shape[2], 16, 3, 1, rngs)
        stages, fan_in = [], 16
        for scale, out in enumerate(widths):
            first = _Block(fan_in, out, 2 if scale else 1, rngs)
            stages.append(nnx.List([first, *(_Block(out, out, 1, rngs) for _ in range(self.repeat - 1))]))
            fan_in = out
        self.stages = nnx.List(stages)
        self.bn = nnx.BatchNorm(self.width, momentum=0.9, rngs=rngs)

    def __call__(self, x: Float[Array, "batch height width channels"]) -> Float[Array, "batch features"]:
        x = self.stem(x)
        for stage in self.stages:
            for block in stage:
                x = block(x)
        return nnx.relu(self.bn(x)).mean((1, 2))

    @classmethod
    def tiny(cls) -> type:
        """One block, with a shortcut."""
        return shrunk(WRN28x10, repeat=1, widen=1, base=(8,))


class WRN40x2(WRN28x10):
    """WideResNet-40-2: as `wrn_28_10`, with 6 blocks each of 32, 64, 128 (128)."""

    repeat, widen = 6, 2
