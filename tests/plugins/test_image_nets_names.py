"""Published names of tensors and ours: none is left over on either side, shapes agree. Names are written by hand."""

import functools
from collections.abc import Iterable

import numpy as np
import pytest
from flax import nnx
from PIL import Image

from tlx import WeightsError
from tlx.weights.match import match
from tlx_backbones import vgg
from tlx_backbones.convnext import ConvNeXtTiny
from tlx_backbones.mobilenet import MobileNetV2
from tlx_backbones.vit import ViTBase, ViTSmall, resized

Shapes = dict[str, tuple[int, ...]]
CLASSES = 5
CONVOLUTIONS = {  # where torchvision's and timm's lists of layers have them
    "VGG11": (0, 3, 6, 8, 11, 13, 16, 18),
    "VGG11BN": (0, 4, 8, 11, 15, 18, 22, 25),
    "VGG16": (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28),
    "VGG16BN": (0, 3, 7, 10, 14, 17, 20, 24, 27, 30, 34, 37, 40),
    "VGG19": (0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34),
    "VGG19BN": (0, 3, 7, 10, 14, 17, 20, 23, 27, 30, 33, 36, 40, 43, 46, 49),
}


def layer(name: str, *shape: int) -> Shapes:
    return {f"{name}.weight": shape, f"{name}.bias": shape[:1]}


def conv(name: str, *shape: int) -> Shapes:
    return {f"{name}.weight": shape}


def batch_norm(name: str, size: int) -> Shapes:
    leaves = ("weight", "bias", "running_mean", "running_var")
    return {**{f"{name}.{leaf}": (size,) for leaf in leaves}, f"{name}.num_batches_tracked": ()}


def join(parts: Iterable[Shapes]) -> Shapes:
    return {name: shape for part in parts for name, shape in part.items()}


def vgg_tensors(name: str, source: str, hidden: int) -> Shapes:
    normed = name.endswith("BN")
    parts, fan_in = [], 3
    for at in CONVOLUTIONS[name]:
        parts.append(layer(f"features.{at}", 4, fan_in, 3, 3))
        parts += [batch_norm(f"features.{at + 1}", 4)] if normed else []
        fan_in = 4
    if source == "torchvision":
        shapes = {
            "classifier.0": (hidden, 7 * 7 * 4),
            "classifier.3": (hidden, hidden),
            "classifier.6": (CLASSES, hidden),
        }
    else:
        shapes = {
            "pre_logits.fc1": (hidden, 4, 7, 7),
            "pre_logits.fc2": (hidden, hidden, 1, 1),
            "head.fc": (CLASSES, hidden),
        }
    return join([*parts, *(layer(part, *shape) for part, shape in shapes.items())])


BLOCKS = [
    (1, 16, 1),
    *[(6, 24, 2)] * 2,
    *[(6, 32, 3)] * 3,
    *[(6, 64, 4)] * 4,
    *[(6, 96, 5)] * 3,
    *[(6, 160, 6)] * 3,
    (6, 320, 7),
]


def mobilenet_tensors(source: str) -> Shapes:
    vision = source == "torchvision"
    stem = ("features.0.0", "features.0.1") if vision else ("conv_stem", "bn1")
    top = ("features.18.0", "features.18.1", "classifier.1") if vision else ("conv_head", "bn2", "classifier")
    parts, fan_in, before, j = [conv(stem[0], 32, 3, 3, 3), batch_norm(stem[1], 32)], 32, 0, 0
    for i, (expansion, out, stage) in enumerate(BLOCKS):
        inner = fan_in * expansion
        j = j + 1 if stage == before else 0
        before = stage
        if vision:
            block = f"features.{i + 1}.conv."
            names = ["0.0", "0.1", "1.0", "1.1", "2", "3"] if expansion > 1 else ["", "", "0.0", "0.1", "1", "2"]
        else:
            block = f"blocks.{stage - 1}.{j}."
            names = ["conv_pw", "bn1", "conv_dw", "bn2", "conv_pwl", "bn3"]
            names = names if expansion > 1 else ["", "", "conv_dw", "bn1", "conv_pw", "bn2"]
        if expansion > 1:
            parts += [conv(block + names[0], inner, fan_in, 1, 1), batch_norm(block + names[1], inner)]
        parts += [conv(block + names[2], inner, 1, 3, 3), batch_norm(block + names[3], inner)]
        parts += [conv(block + names[4], out, inner, 1, 1), batch_norm(block + names[5], out)]
        fan_in = out
    parts += [conv(top[0], 1280, 320, 1, 1), batch_norm(top[1], 1280), layer(top[2], CLASSES, 1280)]
    return join(parts)


def convnext_tensors(source: str, widths: tuple[int, ...]) -> Shapes:
    vision = source == "torchvision"
    stem = ("features.0.0", "features.0.1") if vision else ("stem.0", "stem.1")
    parts: list[Shapes] = [layer(stem[0], widths[0], 3, 4, 4), layer(stem[1], widths[0])]
    for stage, (width, depth) in enumerate(zip(widths, (3, 3, 9, 3), strict=True)):
        if stage:
            down = f"features.{2 * stage}." if vision else f"stages.{stage}.downsample."
            parts += [layer(f"{down}0", widths[stage - 1]), layer(f"{down}1", width, widths[stage - 1], 2, 2)]
        for i in range(depth):
            block = f"features.{2 * stage + 1}.{i}." if vision else f"stages.{stage}.blocks.{i}."
            names = (
                ("block.0", "block.2", "block.3", "block.5") if vision else ("conv_dw", "norm", "mlp.fc1", "mlp.fc2")
            )
            shapes = ((width, 1, 7, 7), (width,), (4 * width, width), (width, 4 * width))
            parts += [layer(block + name, *shape) for name, shape in zip(names, shapes, strict=True)]
            parts.append({f"{block}layer_scale": (width, 1, 1)} if vision else {f"{block}gamma": (width,)})
    top = ("classifier.0", "classifier.2") if vision else ("head.norm", "head.fc")
    return join([*parts, layer(top[0], widths[-1]), layer(top[1], CLASSES, widths[-1])])


def vit_tensors(source: str, width: int) -> Shapes:
    parts: list[Shapes]
    shapes = ((width,), (3 * width, width), (width, width), (width,), (4 * width, width), (width, 4 * width))
    if source == "timm":
        names = ("norm1", "attn.qkv", "attn.proj", "norm2", "mlp.fc1", "mlp.fc2")
        parts = [
            {"cls_token": (1, 1, width), "pos_embed": (1, 197, width)},
            layer("patch_embed.proj", width, 3, 16, 16),
        ]
        prefix, top = "blocks.", ("norm", "head")
    else:
        names = ("ln_1", "", "self_attention.out_proj", "ln_2", "mlp.linear_1", "mlp.linear_2")
        parts = [{"class_token": (1, 1, width), "encoder.pos_embedding": (1, 197, width)}]
        parts.append(layer("conv_proj", width, 3, 16, 16))
        prefix, top = "encoder.layers.encoder_layer_", ("encoder.ln", "heads.head")
    for i in range(12):
        for name, shape in zip(names, shapes, strict=True):
            attention = f"{prefix}{i}.self_attention.in_proj"
            fused = {f"{attention}_weight": shape, f"{attention}_bias": shape[:1]}
            parts.append(layer(f"{prefix}{i}.{name}", *shape) if name else fused)
    return join([*parts, layer(top[0], width), layer(top[1], CLASSES, width)])


class NarrowConvNeXt(ConvNeXtTiny):
    widths = (2, 3, 4, 5)


class NarrowViT(ViTBase):
    heads, width = 3, 12


def narrow(name: str) -> type[vgg.VGG11]:
    return type(name, (getattr(vgg, name),), {"widths": (4, 4, 4, 4, 4), "hidden": 8})


NARROW = {name: narrow(name) for name in CONVOLUTIONS}
CASES = {
    **{f"{name}-{source}": (NARROW[name], source, vgg_tensors(name, source, 8))
       for name in CONVOLUTIONS for source in ("torchvision", "timm")},
    "MobileNetV2-torchvision": (MobileNetV2, "torchvision", mobilenet_tensors("torchvision")),
    "MobileNetV2-timm": (MobileNetV2, "timm", mobilenet_tensors("timm")),
    "ConvNeXt-torchvision": (NarrowConvNeXt, "torchvision", convnext_tensors("torchvision", (2, 3, 4, 5))),
    "ConvNeXt-timm": (NarrowConvNeXt, "timm", convnext_tensors("timm", (2, 3, 4, 5))),
    "ViT-torchvision": (NarrowViT, "torchvision", vit_tensors("torchvision", 12)),
    "ViT-timm": (NarrowViT, "timm", vit_tensors("timm", 12)),
}  # fmt: skip


@functools.cache
def ours(backbone, shape: tuple[int, int, int]) -> Shapes:
    """Of a backbone's parameters and running statistics, and of a linear classifier on it."""
    module = nnx.eval_shape(lambda: backbone(shape, nnx.Rngs(0)))
    state = nnx.to_flat_state(nnx.state(module, (nnx.Param, nnx.BatchStat)))
    shapes = {"/".join(map(str, path)): leaf.get_value().shape for path, leaf in state}
    return {**shapes, "head/kernel": (module.width, CLASSES), "head/bias": (CLASSES,)}


@pytest.mark.parametrize("case", CASES)
def test_each_published_tensor_has_one_place_and_each_place_one_tensor(case):
    backbone, source, published = CASES[case]
    shape = (32, 64, 3)
    expected = ours(backbone, shape)
    names = backbone.weights[source]
    paths = [path for path in names.paths(published).values() if path != ""]
    assert sorted(map(str, paths)) == sorted(expected)
    assert [name for name in published if names.path(name) == ""] == [
        name for name in published if name.endswith("num_batches_tracked")
    ]
    adapt = (lambda found: backbone.adapt(found, shape)) if hasattr(backbone, "adapt") else None
    tensors = {name: np.zeros(size, np.float32) for name, size in published.items()}
    filled, report = match(tensors, expected, backbone.weights, adapt=adapt)  # finds by itself whose names they are
    assert report == ((), (), ())
    assert {path: tensor.shape for path, tensor in filled.items()} == expected


@pytest.mark.parametrize("source", ["torchvision", "timm"])
@pytest.mark.parametrize(("name", "published"), [("VGG16Flat", "VGG16"), ("VGG16BNCifar", "VGG16BN")])
def test_convolutions_alone_leave_the_dense_layers_out(name, published, source):
    backbone = narrow(name)
    names = backbone.weights[source]
    paths = {names.path(theirs) for theirs in vgg_tensors(published, source, 8)} - {""}
    assert paths == ours(backbone, (32, 32, 3)).keys() - {"head/kernel", "head/bias"}


def test_timms_first_dense_layer_takes_the_same_map_as_torchvisions():
    matrix = np.random.default_rng(0).normal(size=(8, 4 * 7 * 7))  # PyTorch flattens channels first
    as_conv = matrix.reshape(8, 4, 7, 7).transpose(2, 3, 1, 0)
    np.testing.assert_array_equal(narrow("VGG11").adapt({"fc1/kernel": as_conv}, (32, 32, 3))["fc1/kernel"], matrix.T)


@pytest.mark.parametrize("grid", [(7, 7), (20, 20), (24, 10)])
def test_positions_are_resized_as_a_bicubic_image(grid):
    """Pillow's bicubic: a = -0.5, with antialiasing, as PyTorch's with `antialias=True`, which timm takes."""
    position = np.random.default_rng(0).normal(size=(1, 197, 3)).astype(np.float32)
    out = ViTSmall.adapt({"stem/position": position}, (grid[0] * 16, grid[1] * 16, 3))["stem/position"]
    np.testing.assert_array_equal(out[:, 0], position[:, 0])
    for channel in range(3):
        image = Image.fromarray(position[0, 1:, channel].reshape(14, 14))
        expected = np.asarray(image.resize((grid[1], grid[0]), Image.Resampling.BICUBIC))
        np.testing.assert_allclose(out[0, 1:, channel].reshape(grid), expected, atol=1e-5)


def test_positions_of_the_same_grid_stay():
    position = np.random.default_rng(0).normal(size=(1, 197, 3)).astype(np.float32)
    assert resized(position, (14, 14)) is position
    assert ViTSmall.adapt({"norm/bias": position}, (32, 32, 3)).keys() == {"norm/bias"}


def test_positions_that_are_no_square_are_refused():
    with pytest.raises(WeightsError, match="has 198 positions; expected 1 \\+ a square"):
        resized(np.zeros((1, 198, 3), np.float32), (2, 2))
