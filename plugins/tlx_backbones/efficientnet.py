"""EfficientNet and its Lite variant: inverted residual blocks, depthwise convolutions, squeeze and excitation."""

import re
from typing import ClassVar, NamedTuple

from flax import nnx
from jaxtyping import Array, Float

from tlx.weights import Names
from tlx_backbones.tiny import shrunk

NORM = (("weight", "scale"), ("bias", "bias"), ("running_mean", "mean"), ("running_var", "var"))
CONV = (("weight", "kernel"),)
BIASED = (("weight", "kernel"), ("bias", "bias"))
HE = nnx.initializers.variance_scaling(2.0, "fan_out", "normal")


class Stage(NamedTuple):
    """The blocks of one stage: how many, what they widen their input by, kernel side, stride of the first, channels."""

    depth: int
    expansion: int
    side: int
    stride: int
    out: int


B0 = (
    Stage(1, 1, 3, 1, 16),
    Stage(2, 6, 3, 2, 24),
    Stage(2, 6, 5, 2, 40),
    Stage(3, 6, 3, 2, 80),
    Stage(3, 6, 5, 1, 112),
    Stage(4, 6, 5, 2, 192),
    Stage(1, 6, 3, 1, 320),
)


class Style(NamedTuple):
    """What tells the published programs apart: TensorFlow pads strided convolutions below and to the right only."""

    tensorflow: bool = True
    epsilon: float = 1e-3  # of batch norm
    lite: bool = False  # ReLU6, and no squeeze and excitation

    def act(self, x: Array) -> Array:
        return nnx.relu6(x) if self.lite else nnx.silu(x)

    def conv(self, fan_in: int, out: int, side: int, stride: int, rngs: nnx.Rngs, groups: int = 1) -> nnx.Conv:
        around = (side // 2, side // 2)
        padding = "SAME" if self.tensorflow else (around, around)
        options = {"strides": (stride, stride), "padding": padding, "use_bias": False, "kernel_init": HE}
        return nnx.Conv(fan_in, out, (side, side), feature_group_count=groups, rngs=rngs, **options)

    def norm(self, size: int, rngs: nnx.Rngs) -> nnx.BatchNorm:
        return nnx.BatchNorm(size, momentum=0.99 if self.tensorflow else 0.9, epsilon=self.epsilon, rngs=rngs)


class _Excitation(nnx.Module):
    """x sigmoid(W2 silu(W1 mean(x))): each channel of an image by a factor of its own."""

    def __init__(self, size: int, squeezed: int, rngs: nnx.Rngs):
        self.reduce, self.expand = nnx.Linear(size, squeezed, rngs=rngs), nnx.Linear(squeezed, size, rngs=rngs)

    def __call__(self, x: Array) -> Array:
        return x * nnx.sigmoid(self.expand(nnx.silu(self.reduce(x.mean((1, 2))))))[:, None, None]


class _Block(nnx.Module):
    """1x1 to wider, depthwise, excitation, 1x1 to `out`, the last without activation; plus x where shapes agree."""

    def __init__(self, fan_in: int, stage: Stage, stride: int, style: Style, rngs: nnx.Rngs):
        self.style = style
        size = fan_in * stage.expansion
        self.adds = stride == 1 and fan_in == stage.out
        self.expand = style.conv(fan_in, size, 1, 1, rngs) if stage.expansion > 1 else None
        self.expand_bn = style.norm(size, rngs) if stage.expansion > 1 else None
        self.depthwise = style.conv(size, size, stage.side, stride, rngs, groups=size)
        self.depthwise_bn = style.norm(size, rngs)
        self.excite = None if style.lite else _Excitation(size, fan_in // 4, rngs)
        self.project, self.project_bn = style.conv(size, stage.out, 1, 1, rngs), style.norm(stage.out, rngs)

    def __call__(self, x: Array) -> Array:
        y = x
        if self.expand is not None and self.expand_bn is not None:
            y = self.style.act(self.expand_bn(self.expand(y)))
        y = self.style.act(self.depthwise_bn(self.depthwise(y)))
        y = y if self.excite is None else self.excite(y)
        y = self.project_bn(self.project(y))
        return x + y if self.adds else y


class _Layer(nnx.Module):
    """Convolution, batch norm, activation: the stem, and the top."""

    def __init__(self, fan_in: int, out: int, side: int, stride: int, style: Style, rngs: nnx.Rngs):
        self.style = style
        self.conv, self.bn = style.conv(fan_in, out, side, stride, rngs), style.norm(out, rngs)

    def __call__(self, x: Array) -> Array:
        return self.style.act(self.bn(self.conv(x)))


Parts = dict[str, tuple[str, tuple[tuple[str, str], ...]]]  # published prefix: our prefix, its leaves


def _names(parts: Parts) -> Names:
    rules = [
        (re.escape(f"{prefix}.{leaf}"), f"{ours}/{name}")
        for prefix, (ours, leaves) in parts.items()
        for leaf, name in leaves
    ]
    return Names(tuple(rules), (r".*num_batches_tracked",))


def _ends(stem: str, stem_bn: str, top: str, top_bn: str, head: str) -> Parts:
    ours = {stem: "stem/conv", top: "top/conv"}
    norms = {stem_bn: "stem/bn", top_bn: "top/bn"}
    return {
        **{prefix: (path, CONV) for prefix, path in ours.items()},
        **{prefix: (path, NORM) for prefix, path in norms.items()},
        head: ("head", BIASED),
    }


def _block(theirs: str, ours: str, layers: dict[str, str], squeezes: tuple[str, str]) -> Parts:
    """One block; `layers` maps each convolution and norm."""
    reduce, expand = squeezes
    return {
        **{f"{theirs}.{a}": (f"{ours}/{b}", NORM if b.endswith("bn") else CONV) for a, b in layers.items()},
        f"{theirs}.{reduce}": (f"{ours}/excite/reduce", BIASED),
        f"{theirs}.{expand}": (f"{ours}/excite/expand", BIASED),
    }


LAYERS = ("expand", "expand_bn", "depthwise", "depthwise_bn", "project", "project_bn")


def _timm() -> Names:
    parts = _ends("conv_stem", "bn1", "conv_head", "bn2", "classifier")
    first: dict[str, str] = dict(zip(("conv_dw", "bn1", "conv_pw", "bn2"), LAYERS[2:], strict=True))
    other: dict[str, str] = dict(zip(("conv_pw", "bn1", "conv_dw", "bn2", "conv_pwl", "bn3"), LAYERS, strict=True))
    for stage, (depth, expansion, *_) in enumerate(B0):
        for i in range(depth):
            layers = first if expansion == 1 else other
            parts |= _block(f"blocks.{stage}.{i}", f"stages/{stage}/{i}", layers, ("se.conv_reduce", "se.conv_expand"))
    return _names(parts)


def _port() -> Names:
    """The names of the PyTorch ports of TensorFlow's programs, which number blocks through."""
    parts = _ends("_conv_stem", "_bn0", "_conv_head", "_bn1", "_fc")
    theirs = ("_expand_conv", "_bn0", "_depthwise_conv", "_bn1", "_project_conv", "_bn2")
    layers: dict[str, str] = dict(zip(theirs, LAYERS, strict=True))
    places = [(stage, i) for stage, (depth, *_) in enumerate(B0) for i in range(depth)]
    for number, (stage, i) in enumerate(places):
        parts |= _block(f"_blocks.{number}", f"stages/{stage}/{i}", layers, ("_se_reduce", "_se_expand"))
    return _names(parts)


def _torchvision() -> Names:
    parts = _ends("features.0.0", "features.0.1", "features.8.0", "features.8.1", "classifier.1")
    for stage, (depth, expansion, *_) in enumerate(B0):
        kept = LAYERS[2:] if expansion == 1 else LAYERS
        squeeze = len(kept) // 2 - 1  # it stands before the projection
        for i in range(depth):
            layers = {}
            for place, layer in enumerate(kept):
                number, norm = divmod(place, 2)
                layers[f"block.{number + (number >= squeeze)}.{norm}"] = layer
            theirs, squeezes = f"features.{stage + 1}.{i}", (f"block.{squeeze}.fc1", f"block.{squeeze}.fc2")
            parts |= _block(theirs, f"stages/{stage}/{i}", layers, squeezes)
    return _names(parts)


class _EfficientNet(nnx.Module):
    style: ClassVar[Style] = Style()
    plan: ClassVar[tuple[Stage, ...]] = B0

    def __init__(self, shape: tuple[int, int, int], rngs: nnx.Rngs):
        self.width = 1280
        self.stem = _Layer(shape[2], 32, 3, 2, self.style, rngs)
        stages, fan_in = [], 32
        for stage in self.plan:
            blocks = []
            for number in range(stage.depth):
                blocks.append(_Block(fan_in, stage, 1 if number else stage.stride, self.style, rngs))
                fan_in = stage.out
            stages.append(nnx.List(blocks))
        self.stages = nnx.List(stages)
        self.top = _Layer(fan_in, 1280, 1, 1, self.style, rngs)

    def __call__(self, x: Float[Array, "batch height width channels"]) -> Float[Array, "batch 1280"]:
        x = self.stem(x)
        for stage in self.stages:
            for block in stage:
                x = block(x)
        return self.top(x).mean((1, 2))

    @classmethod
    def tiny(cls) -> type:
        """Two blocks, one of which widens."""
        return shrunk(_EfficientNet, style=cls.style, plan=(Stage(1, 1, 3, 2, 8), Stage(1, 2, 3, 2, 8)))


class EfficientNetB0(_EfficientNet):
    """EfficientNet-B0 as TensorFlow computes it: 16 blocks (32 to 320), 1x1 1280, global mean (1280). For 224x224.

    For weights trained there, as timm's `tf_efficientnet_b0`. Without dropout and stochastic depth.

    Reference: Tan & Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", ICML 2019.
    """

    weights: ClassVar[dict[str, Names]] = {"timm": _timm(), "port": _port()}


class EfficientNetB0Torch(_EfficientNet):
    """EfficientNet-B0 as PyTorch computes it: padded on both sides alike, batch norm's epsilon 1e-5.

    For weights trained there: torchvision's, and timm's `efficientnet_b0`. Without dropout and stochastic depth.

    Reference: Tan & Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", ICML 2019.
    """

    style = Style(tensorflow=False, epsilon=1e-5)
    weights: ClassVar[dict[str, Names]] = {"torchvision": _torchvision(), "timm": _timm()}


class EfficientNetLite0(_EfficientNet):
    """EfficientNet-Lite0 as TensorFlow computes it: B0 with ReLU6 and without excitation (1280). For 224x224.

    Its weights expect (x - 127) / 128 of pixels 0 to 255: a protocol of mean 127/255 and std 128/255. Without dropout
    and stochastic depth.

    Reference: Tan & Le, ICML 2019; Liu, "Higher accuracy on vision models with EfficientNet-Lite", TensorFlow 2020.
    """

    style = Style(lite=True)
    weights: ClassVar[dict[str, Names]] = {"timm": _timm(), "port": _port()}
