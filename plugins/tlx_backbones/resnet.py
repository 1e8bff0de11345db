"""Residual networks for ImageNet, and with the stem that they have on small images."""

from typing import ClassVar

from flax import nnx
from jaxtyping import Array, Float

from tlx.weights import Names
from tlx_backbones.pool import ONE_AROUND
from tlx_backbones.tiny import shrunk

NORM = (("weight", "scale"), ("bias", "bias"), ("running_mean", "mean"), ("running_var", "var"))
HE = nnx.initializers.variance_scaling(2.0, "fan_out", "normal")


def _conv(fan_in: int, out: int, side: int, stride: int, rngs: nnx.Rngs) -> nnx.Conv:
    """A convolution without bias, padded on both sides alike, as PyTorch pads."""
    around = (side // 2, side // 2)
    options = {"strides": (stride, stride), "padding": (around, around), "use_bias": False, "kernel_init": HE}
    return nnx.Conv(fan_in, out, (side, side), rngs=rngs, **options)


def _norm(size: int, rngs: nnx.Rngs) -> nnx.BatchNorm:
    return nnx.BatchNorm(size, momentum=0.9, epsilon=1e-5, rngs=rngs)


class _Shortcut(nnx.Module):
    """A 1x1 convolution and batch norm, where a block changes the shape."""

    def __init__(self, fan_in: int, out: int, stride: int, rngs: nnx.Rngs):
        self.conv, self.bn = _conv(fan_in, out, 1, stride, rngs), _norm(out, rngs)

    def __call__(self, x: Array) -> Array:
        return self.bn(self.conv(x))


class _Basic(nnx.Module):
    """relu(x + bn(conv3(relu(bn(conv3(x))))))."""

    expansion = 1

    def __init__(self, fan_in: int, size: int, stride: int, rngs: nnx.Rngs):
        self.conv1, self.bn1 = _conv(fan_in, size, 3, stride, rngs), _norm(size, rngs)
        self.conv2, self.bn2 = _conv(size, size, 3, 1, rngs), _norm(size, rngs)
        self.shortcut = _Shortcut(fan_in, size, stride, rngs) if stride > 1 or fan_in != size else None

    def __call__(self, x: Array) -> Array:
        y = self.bn2(self.conv2(nnx.relu(self.bn1(self.conv1(x)))))
        return nnx.relu(y + (self.shortcut(x) if self.shortcut is not None else x))


class _Bottleneck(nnx.Module):
    """relu(x + bn(conv1(relu(bn(conv3(relu(bn(conv1(x)))))))): the 3x3 has the stride, as in PyTorch's (v1.5)."""

    expansion = 4

    def __init__(self, fan_in: int, size: int, stride: int, rngs: nnx.Rngs):
        out = 4 * size
        self.conv1, self.bn1 = _conv(fan_in, size, 1, 1, rngs), _norm(size, rngs)
        self.conv2, self.bn2 = _conv(size, size, 3, stride, rngs), _norm(size, rngs)
        self.conv3, self.bn3 = _conv(size, out, 1, 1, rngs), _norm(out, rngs)
        self.shortcut = _Shortcut(fan_in, out, stride, rngs) if stride > 1 or fan_in != out else None

    def __call__(self, x: Array) -> Array:
        y = nnx.relu(self.bn1(self.conv1(x)))
        y = nnx.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        return nnx.relu(y + (self.shortcut(x) if self.shortcut is not None else x))


class _Stem(nnx.Module):
    """conv 7x7/2, batch norm, ReLU, max pool 3x3/2; `small`: conv 3x3, batch norm, ReLU."""

    def __init__(self, channels: int, small: bool, rngs: nnx.Rngs):
        self.small = small
        self.conv = _conv(channels, 64, 3, 1, rngs) if small else _conv(channels, 64, 7, 2, rngs)
        self.bn = _norm(64, rngs)

    def __call__(self, x: Array) -> Array:
        x = nnx.relu(self.bn(self.conv(x)))
        return x if self.small else nnx.max_pool(x, (3, 3), (2, 2), ONE_AROUND)


def _names() -> Names:
    """Those of torchvision, which timm shares."""
    rules = [(r"conv1\.weight", "stem/conv/kernel"), (r"fc\.weight", "head/kernel"), (r"fc\.bias", "head/bias")]
    block = [(r"conv(\d)\.weight", r"conv\3/kernel"), (r"downsample\.0\.weight", "shortcut/conv/kernel")]
    for name, ours in NORM:
        rules.append((rf"bn1\.{name}", f"stem/bn/{ours}"))
        block.append((rf"bn(\d)\.{name}", rf"bn\3/{ours}"))
        block.append((rf"downsample\.1\.{name}", f"shortcut/bn/{ours}"))
    for stage in range(4):
        within = rf"layer({stage + 1})\.(\d+)\."
        rules += [(within + name, rf"stages/{stage}/\2/{ours}") for name, ours in block]
    return Names(tuple(rules), (r".*num_batches_tracked",))


NAMES = _names()


class _ResNet(nnx.Module):
    block: ClassVar[type] = _Basic
    depths: ClassVar[tuple[int, ...]] = (2, 2, 2, 2)
    small: ClassVar[bool] = False
    weights: ClassVar[dict[str, Names]] = {"torchvision": NAMES, "timm": NAMES}

    def __init__(self, shape: tuple[int, int, int], rngs: nnx.Rngs):
        self.stem = _Stem(shape[2], self.small, rngs)
        stages, fan_in = [], 64
        for stage, depth in enumerate(self.depths):
            size, blocks = 64 * 2**stage, []
            for number in range(depth):
                blocks.append(self.block(fan_in, size, 2 if stage and not number else 1, rngs))
                fan_in = size * self.block.expansion
            stages.append(nnx.List(blocks))
        self.stages = nnx.List(stages)
        self.width = fan_in

    def __call__(self, x: Float[Array, "batch height width channels"]) -> Float[Array, "batch features"]:
        x = self.stem(x)
        for stage in self.stages:
            for block in stage:
                x = block(x)
        return x.mean((1, 2))

    @classmethod
    def tiny(cls) -> type:
        """One block."""
        return shrunk(_ResNet, block=cls.block, small=cls.small, depths=(1,))


class ResNet18(_ResNet):
    """ResNet-18: conv 7x7/2 64, pool, 2-2-2-2 blocks of two 3x3 (64 to 512), global mean (512). For 224x224.

    Reference: He et al., "Deep Residual Learning for Image Recognition", CVPR 2016.
    """


class ResNet34(_ResNet):
    """ResNet-34: as ResNet-18, with 3-4-6-3 blocks.

    Reference: He et al., "Deep Residual Learning for Image Recognition", CVPR 2016.
    """

    depths = (3, 4, 6, 3)


class ResNet50(_ResNet):
    """ResNet-50: conv 7x7/2 64, pool, 3-4-6-3 blocks of 1x1, 3x3, 1x1 (256 to 2048), global mean (2048). For 224x224.

    The 3x3 has the stride, as in PyTorch's, where the paper's first 1x1 has it.

    Reference: He et al., "Deep Residual Learning for Image Recognition", CVPR 2016.
    """

    block = _Bottleneck
    depths = (3, 4, 6, 3)


class ResNet101(_ResNet):
    """ResNet-101: as ResNet-50, with 3-4-23-3 blocks.

    Reference: He et al., "Deep Residual Learning for Image Recognition", CVPR 2016.
    """

    block = _Bottleneck
    depths = (3, 4, 23, 3)


class ResNet18Cifar(ResNet18):
    """ResNet-18 for 32x32: its stem is one conv 3x3 64, without pooling, as the field has it for CIFAR."""

    small = True


class ResNet34Cifar(ResNet34):
    """ResNet-34 for 32x32: its stem is one conv 3x3 64, without pooling."""

    small = True


class ResNet50Cifar(ResNet50):
    """ResNet-50 for 32x32: its stem is one conv 3x3 64, without pooling."""

    small = True


class ResNet101Cifar(ResNet101):
    """ResNet-101 for 32x32: its stem is one conv 3x3 64, without pooling."""

    small = True
