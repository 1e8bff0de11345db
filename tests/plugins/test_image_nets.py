"""The networks of ImageNet: published parameter counts, details of their layers, groups, images of other sizes."""

import math
import re
from fnmatch import fnmatchcase

import jax
import numpy as np
import pytest
from flax import nnx

from tlx import ContractError
from tlx.engine.groups import flatten
from tlx.engine.model import Frame, make_model
from tlx.plugins import Registry
from tlx.testing import parametrize_with_checks
from tlx_backbones.convnext import ConvNeXtTiny
from tlx_backbones.mobilenet import MobileNetV2, Row
from tlx_backbones.vgg import VGG11, VGG16Flat, adaptive_mean
from tlx_backbones.vit import ViTSmall
from tlx_backbones.wide_resnet import WRN28x10

BACKBONES = Registry.load(environ={"TLX_PLUGINS": "backbones"})

# name: side, classes, width, parameters with the classifier: published for 1000 classes (torchvision, timm) and, of the
# wide ResNets and VGG-16-BN of CIFAR, for 10; the others follow from their neighbours
PUBLISHED = {
    "vgg11": (224, 1000, 4096, 132_863_336),
    "vgg11_bn": (224, 1000, 4096, 132_868_840),
    "vgg16": (224, 1000, 4096, 138_357_544),
    "vgg16_bn": (224, 1000, 4096, 138_365_992),
    "vgg19": (224, 1000, 4096, 143_667_240),
    "vgg19_bn": (224, 1000, 4096, 143_678_248),
    "vgg16_flat": (224, 10, 25_088, 14_714_688 + 25_088 * 10 + 10),
    "vgg16_dense1024": (224, 10, 25_088, 14_714_688 + 25_088 * 1024 + 1024 + 1024 * 10 + 10),
    "vgg16_bn_cifar": (32, 10, 512, 14_728_266),
    "mobilenet_v2": (224, 1000, 1280, 3_504_872),
    "mobilenet_v2_cifar": (32, 10, 1280, 3_504_872 - 1281 * 990),
    "convnext_tiny": (224, 1000, 768, 28_589_128),
    "vit_tiny_patch16": (224, 1000, 192, 5_717_416),
    "vit_small_patch16": (224, 1000, 384, 22_050_664),
    "vit_base_patch16": (224, 1000, 768, 86_567_656),
    "vit_tiny_patch4": (32, 10, 192, 5_717_416 - 193 * 990 - 192 * (197 - 65) - 192 * 3 * (16**2 - 4**2)),
    "vit_small_patch4": (32, 10, 384, 22_050_664 - 385 * 990 - 384 * (197 - 65) - 384 * 3 * (16**2 - 4**2)),
    "wrn_28_10": (32, 10, 640, 36_479_194),
    "wrn_40_2": (32, 10, 128, 2_243_546),
}


def numbered(count: int) -> list[str]:
    return [f"features/stages/{i}/*" for i in range(count)]


GROUPS = {
    "vgg11": [*numbered(5), "features/fc1/*", "features/fc2/*"],
    "vgg16_flat": numbered(5),
    "vgg16_bn_cifar": numbered(5),
    "mobilenet_v2": ["features/stem/*", *numbered(7), "features/last/*"],
    "convnext_tiny": ["features/stem/*", *numbered(4), "features/norm/*"],
    "vit_small_patch16": ["features/stem/*", *numbered(12), "features/norm/*"],
    "wrn_28_10": ["features/stem/*", *numbered(3), "features/bn/*"],
}


def abstract(name: str, shape: tuple[int, int, int]) -> nnx.Module:
    return nnx.eval_shape(lambda: BACKBONES.get("backbones", name)(shape, nnx.Rngs(0)))


@pytest.mark.parametrize("name", PUBLISHED)
def test_parameters_are_as_many_as_published(name):
    side, classes, width, count = PUBLISHED[name]
    model = make_model(Frame(BACKBONES.get("backbones", name), (side, side, 3), classes, 4))
    params = jax.eval_shape(model.init, jax.random.key(0)).params
    assert model.width == width
    assert sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(params)) == count


@pytest.mark.parametrize("name", PUBLISHED)
def test_grey_oblong_images_of_another_size(name):
    model = make_model(Frame(BACKBONES.get("backbones", name), (96, 64, 1), 10, 4))
    state = jax.eval_shape(model.init, jax.random.key(0))
    x = jax.ShapeDtypeStruct((2, 96, 64, 1), "float32")
    features, _ = jax.eval_shape(model.features, state, x)
    assert features.shape == (2, 6 * 512 if "flat" in name or "dense" in name else PUBLISHED[name][2])


class SmallVGG(VGG11):
    """Narrow."""

    widths, hidden = (4, 4, 4, 4, 4), 8


class SmallFlat(VGG16Flat):
    """Two stages, with batch norm."""

    depths, widths, normalised = (1, 2), (4, 6), True


class SmallMobileNet(MobileNetV2):
    """Blocks of each kind: without widening, with a stride, with a residual."""

    stem_width, width, rows = 4, 12, (Row(1, 4, 1, 1), Row(3, 6, 2, 2))


class SmallConvNeXt(ConvNeXtTiny):
    """Two stages."""

    depths, widths = (1, 1), (4, 8)


class SmallViT(ViTSmall):
    """Two blocks on 4x4 patches."""

    patch, depth, heads, width = 7, 2, 3, 12


class SmallWRN(WRN28x10):
    """One block of a width."""

    repeat, widen = 1, 1


@parametrize_with_checks([SmallVGG, SmallFlat, SmallMobileNet, SmallConvNeXt, SmallViT, SmallWRN])
def test_conformance_of_small_ones(subject, check):
    check(subject)


@pytest.mark.parametrize("name", GROUPS)
def test_groups_are_those_of_the_docstring_and_hold_each_parameter_once(name):
    backbone = BACKBONES.get("backbones", name)
    said = set(re.findall(r'"(features/[^"]*)"', backbone.__doc__))
    assert said >= {glob for glob in GROUPS[name] if not re.search(r"stages/[1-9]", glob)} | {
        [glob for glob in GROUPS[name] if "stages" in glob][-1]
    }
    params = nnx.to_pure_dict(nnx.state(abstract(name, (64, 64, 3)), nnx.Param))
    for path in flatten({"features": params}):
        assert sum(fnmatchcase(path, glob) for glob in GROUPS[name]) == 1, path
    for glob in {*GROUPS[name], *said}:
        assert any(fnmatchcase(path, glob) for path in flatten({"features": params})), glob


@pytest.mark.parametrize(
    ("name", "rates"),
    [
        ("vgg16", [0.5, 0.5]),
        ("mobilenet_v2", [0.2]),
        ("vgg16_flat", []),
        ("convnext_tiny", []),
        ("vit_tiny_patch4", []),
    ],
)
def test_dropout(name, rates):
    parts = [part for _, part in nnx.iter_modules(abstract(name, (32, 32, 3)))]
    assert [part.rate for part in parts if isinstance(part, nnx.Dropout)] == rates


@pytest.mark.parametrize("name", ["vgg11_bn", "mobilenet_v2", "convnext_tiny", "vit_tiny_patch16", "wrn_40_2"])
def test_constants_of_normalisation(name):
    parts = [part for _, part in nnx.iter_modules(abstract(name, (32, 32, 3)))]
    batch = {(part.momentum, part.epsilon) for part in parts if isinstance(part, nnx.BatchNorm)}
    layer = {part.epsilon for part in parts if isinstance(part, nnx.LayerNorm)}
    transformer = name.startswith(("convnext", "vit"))
    assert (batch, layer) == ((set(), {1e-6}) if transformer else ({(0.9, 1e-5)}, set()))


def test_layer_scale_starts_at_a_millionth():
    small = jax.jit(lambda: nnx.to_pure_dict(nnx.state(SmallConvNeXt((8, 8, 1), nnx.Rngs(0)), nnx.Param)))()
    np.testing.assert_array_equal(small["stages"][1]["blocks"][0]["gamma"], np.full(8, 1e-6, np.float32))


@pytest.mark.parametrize("shape", [(1, 2), (7, 14), (9, 7), (13, 20)])
def test_adaptive_mean_is_that_of_its_bins(shape):
    x = np.random.default_rng(0).normal(size=(2, *shape, 3)).astype(np.float32)
    expected = np.empty((2, 7, 7, 3))
    for i in range(7):
        for j in range(7):
            rows, columns = (
                slice(math.floor(at * n / 7), math.ceil((at + 1) * n / 7)) for at, n in ((i, shape[0]), (j, shape[1]))
            )
            expected[:, i, j] = x[:, rows, columns].mean((1, 2))
    np.testing.assert_allclose(adaptive_mean(x, 7), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "shape", "message"),
    [
        ("vgg11_bn", (32, 28, 1), "VGG11BN needs images of at least 32x32 pixels; got 32x28"),
        ("convnext_tiny", (28, 28, 1), "at least 32x32 pixels; got 28x28"),
        ("vit_small_patch16", (28, 32, 3), "ViTSmall needs sides that are multiples of 16 pixels; got 28x32"),
    ],
)
def test_images_of_a_wrong_size_are_refused(name, shape, message):
    with pytest.raises(ContractError, match=message):
        make_model(Frame(BACKBONES.get("backbones", name), shape, 10, 4))
