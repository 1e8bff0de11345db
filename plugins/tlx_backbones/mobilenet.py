"""MobileNetV2: inverted residuals with depthwise convolutions.

Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks", CVPR 2018. Padding is symmetric, as in
torchvision and in timm's `mobilenetv2_100`; batch norm has PyTorch's momentum 0.1 and epsilon 1e-5. Convolutions have
no biases; their kernels start Kaiming-normal by fan out.
"""

from collections.abc import Mapping
from typing import ClassVar, NamedTuple

from flax import nnx
from jaxtyping import Array, Float

from tlx.weights import Names
from tlx_backbones.names import STEPS, Rules, layer, norm
from tlx_backbones.tiny import shrunk

HE = nnx.initializers.variance_scaling(2.0, "fan_out", "normal")


class Row(NamedTuple):
    """A row of the paper's table 2: `repeat` blocks to `width` channels, the first of stride `stride`."""

    expansion: int
    width: int
    repeat: int
    stride: int


ROWS = (
    Row(1, 16, 1, 1),
    Row(6, 24, 2, 2),
    Row(6, 32, 3, 2),
    Row(6, 64, 4, 2),
    Row(6, 96, 3, 1),
    Row(6, 160, 3, 2),
    Row(6, 320, 1, 1),
)


class _Unit(nnx.Module):
    """Convolution, batch norm."""

    def __init__(self, fan_in: int, out: int, side: int, rngs: nnx.Rngs, stride: int = 1, groups: int = 1):
        self.conv = nnx.Conv(
            fan_in,
            out,
            (side, side),
            strides=(stride, stride),
            padding=side // 2,
            feature_group_count=groups,
            use_bias=False,
            kernel_init=HE,
            rngs=rngs,
        )
        self.bn = nnx.BatchNorm(out, momentum=0.9, rngs=rngs)

    def __call__(self, x: Array) -> Array:
        return self.bn(self.conv(x))


class _Block(nnx.Module):
    """[x +] project(ReLU6(depthwise(ReLU6(expand(x))))); no `expand` where it would not widen."""

    def __init__(self, fan_in: int, out: int, expansion: int, stride: int, rngs: nnx.Rngs):
        inner = fan_in * expansion
        self.residual = stride == 1 and fan_in == out
        self.expand = _Unit(fan_in, inner, 1, rngs) if expansion > 1 else None
        self.depthwise = _Unit(inner, inner, 3, rngs, stride, groups=inner)
        self.project = _Unit(inner, out, 1, rngs)

    def __call__(self, x: Array) -> Array:
        y = x if self.expand is None else nnx.relu6(self.expand(x))
        y = self.project(nnx.relu6(self.depthwise(y)))
        return x + y if self.residual else y


def _torchvision() -> Rules:
    """Blocks are numbered through; the units of one are 0, 1 (a sequence each), then convolution 2, batch norm 3."""

    def unit(published: str, own: str) -> Rules:
        return layer(rf"{published}\.0", f"{own}/conv") + norm(rf"{published}\.1", f"{own}/bn")

    rules, at = [*unit(r"features\.0", "stem")], 1
    for stage, row in enumerate(ROWS):
        for i in range(row.repeat):
            block, own = rf"features\.{at}\.conv", f"stages/{stage}/{i}"
            units = ("expand", "depthwise") if row.expansion > 1 else ("depthwise",)
            for number, name in enumerate(units):
                rules += unit(rf"{block}\.{number}", f"{own}/{name}")
            rules += layer(rf"{block}\.{len(units)}", f"{own}/project/conv")
            rules += norm(rf"{block}\.{len(units) + 1}", f"{own}/project/bn")
            at += 1
    return (*rules, *unit(rf"features\.{at}", "last"), *layer(r"classifier\.1", "head"))


def _timm() -> Rules:
    """The first block, which does not expand, has names of its own."""
    first = (("conv_dw", "bn1", "depthwise"), ("conv_pw", "bn2", "project"))
    others = (("conv_pw", "bn1", "expand"), ("conv_dw", "bn2", "depthwise"), ("conv_pwl", "bn3", "project"))
    rules = layer("conv_stem", "stem/conv") + norm("bn1", "stem/bn")
    for block, units, own in (
        (r"blocks\.0\.0", first, "stages/0/0"),
        (r"blocks\.([1-6])\.(\d)", others, r"stages/\1/\2"),
    ):
        for conv, bn, name in units:
            rules += layer(rf"{block}\.{conv}", f"{own}/{name}/conv") + norm(rf"{block}\.{bn}", f"{own}/{name}/bn")
    return rules + layer("conv_head", "last/conv") + norm("bn2", "last/bn") + layer("classifier", "head")


class MobileNetV2(nnx.Module):
    """MobileNetV2: conv 3x3/2 32; 17 inverted residuals in 7 stages; conv 1x1 1280; global mean (1280), dropout 0.2.

    Groups: "features/stem/*", "features/stages/0/*" to "features/stages/6/*" (blocks "features/stages/3/0/*"),
    "features/last/*", "head/*". Images of any size.

    Reference: Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks", CVPR 2018.
    """

    stem_width: ClassVar[int] = 32
    stem_stride: ClassVar[int] = 2
    rows: ClassVar[tuple[Row, ...]] = ROWS
    width: int = 1280
    weights: ClassVar[Mapping[str, Names]] = {
        "torchvision": Names(_torchvision(), (STEPS,)),
        "timm": Names(_timm(), (STEPS,)),
    }

    def __init__(self, shape: tuple[int, int, int], rngs: nnx.Rngs):
        self.stem = _Unit(shape[2], self.stem_width, 3, rngs, self.stem_stride)
        stages, fan_in = [], self.stem_width
        for row in self.rows:
            blocks = []
            for i in range(row.repeat):
                blocks.append(_Block(fan_in, row.width, row.expansion, 1 if i else row.stride, rngs))
                fan_in = row.width
            stages.append(nnx.List(blocks))
        self.stages = nnx.List(stages)
        self.last = _Unit(fan_in, self.width, 1, rngs)
        self.drop = nnx.Dropout(0.2, rngs=rngs)

    def __call__(self, x: Float[Array, "batch height width channels"]) -> Float[Array, "batch features"]:
        x = nnx.relu6(self.stem(x))
        for stage in self.stages:
            for block in stage:
                x = block(x)
        return self.drop(nnx.relu6(self.last(x)).mean((1, 2)))

    @classmethod
    def tiny(cls) -> type:
        """One block, with a residual."""
        return shrunk(MobileNetV2, stem_width=4, width=12, rows=(Row(2, 4, 1, 1),))


class MobileNetV2Cifar(MobileNetV2):
    """`mobilenet_v2` for images of 32x32: strides of the stem and of the second stage are 1, parameters the same."""

    stem_stride = 1
    rows = (ROWS[0], ROWS[1]._replace(stride=1), *ROWS[2:])
