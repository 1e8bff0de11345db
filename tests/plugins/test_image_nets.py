"""The networks of ImageNet: published parameter counts, details of their layers, groups, images of other sizes."""

import functools
import math
import re
from fnmatch import fnmatchcase
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from tlx import ContractError
from tlx.engine.model import ModelSpec, Shapes, make_model
from tlx.ops.paths import by_path
from tlx.plugins import Registry
from tlx_backbones.convnext import _Block
from tlx_backbones.vgg import adaptive_mean

pytestmark = pytest.mark.slow

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


@functools.cache
def abstract(name: str) -> Any:
    """The module without values, for images of the published size."""
    side = PUBLISHED[name][0]
    return nnx.eval_shape(lambda: BACKBONES.get("backbones", name)((side, side, 3), nnx.Rngs(0)))


def count(module: nnx.Module) -> int:
    return sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(nnx.state(module, nnx.Param)))


@pytest.mark.parametrize("name", PUBLISHED)
def test_parameters_are_as_many_as_published(name):
    _, classes, width, total = PUBLISHED[name]
    module = abstract(name)
    assert module.width == width
    own = hasattr(type(module), "head")
    head = nnx.eval_shape(
        lambda: module.head(width, classes, nnx.Rngs(0)) if own else nnx.Linear(width, classes, rngs=nnx.Rngs(0))
    )
    assert count(module) + count(head) == total


TINY = ["convnext_tiny", "mobilenet_v2", "vgg11_bn", "vgg16_flat", "vit_small_patch16", "wrn_28_10"]


@pytest.mark.parametrize("name", TINY)
def test_grey_oblong_images(name):
    backbone = BACKBONES.get("backbones", name).tiny()
    x = jax.ShapeDtypeStruct((2, 28, 16, 1), "float32")
    out, width = nnx.eval_shape(
        lambda x: ((module := backbone((28, 16, 1), nnx.Rngs(0)))(x), jnp.zeros(module.width)), x
    )
    assert out.shape == (2, *width.shape)


@pytest.mark.parametrize("name", GROUPS)
def test_groups_hold_each_parameter_once_and_those_of_the_docstring_hold_some(name):
    said = re.findall(r'"(features/[^"]*)"', BACKBONES.get("backbones", name).__doc__)
    assert {*said} >= {GROUPS[name][0], GROUPS[name][-1], [glob for glob in GROUPS[name] if "/stages/" in glob][-1]}
    paths = list(by_path({"features": nnx.to_pure_dict(nnx.state(abstract(name), nnx.Param))}))
    for path in paths:
        assert sum(fnmatchcase(path, glob) for glob in GROUPS[name]) == 1, path
    for glob in [*GROUPS[name], *said]:
        assert any(fnmatchcase(path, glob) for path in paths), glob


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
    parts = [part for _, part in nnx.iter_modules(abstract(name))]
    assert [part.rate for part in parts if isinstance(part, nnx.Dropout)] == rates


@pytest.mark.parametrize("name", ["vgg11_bn", "mobilenet_v2", "convnext_tiny", "vit_tiny_patch16", "wrn_40_2"])
def test_constants_of_normalisation(name):
    parts = [part for _, part in nnx.iter_modules(abstract(name))]
    batch = {(part.momentum, part.epsilon) for part in parts if isinstance(part, nnx.BatchNorm)}
    layer = {part.epsilon for part in parts if isinstance(part, nnx.LayerNorm)}
    transformer = name.startswith(("convnext", "vit"))
    assert (batch, layer) == ((set(), {1e-6}) if transformer else ({(0.9, 1e-5)}, set()))


@pytest.mark.parametrize(
    ("name", "product"),
    [
        ("mobilenet_v2", 32),
        ("mobilenet_v2_cifar", 8),
        ("convnext_tiny", 32),
        ("vit_tiny_patch4", 4),
        ("wrn_40_2", 16),  # of the blocks 4, and once more in the shortcuts beside them
    ],
)
def test_strides(name, product):
    parts = [part for _, part in nnx.iter_modules(abstract(name))]
    strides: list[Any] = [part.strides for part in parts if isinstance(part, nnx.Conv)]
    assert np.prod([np.ravel(stride)[0] for stride in strides]) == product


def test_layer_scale_starts_at_a_millionth():
    gamma = jax.jit(lambda: _Block(8, nnx.Rngs(0)).gamma[...])()
    np.testing.assert_array_equal(gamma, np.full(8, 1e-6, np.float32))


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
    np.testing.assert_allclose(adaptive_mean(jnp.asarray(x), 7), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "shape", "message"),
    [
        ("vgg11_bn", (32, 28, 1), "VGG11BN needs images of at least 32x32 pixels; got 32x28"),
        ("convnext_tiny", (28, 28, 1), "at least 32x32 pixels; got 28x28"),
        ("vit_small_patch16", (28, 32, 3), "ViTSmall needs sides that are multiples of 16 pixels; got 28x32"),
    ],
)
def test_images_of_a_wrong_size_are_refused(name, shape, message):
    rows = jax.ShapeDtypeStruct((2, *shape), "float32")
    with pytest.raises(ContractError, match=message):
        make_model(ModelSpec(BACKBONES.get("backbones", name), Shapes.of(rows), outputs=10, known=10))
