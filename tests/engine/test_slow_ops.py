"""A backbone that is slow on the CPU gets a warning with the remedy; the built-in ones get none."""

import warnings

import jax
import numpy as np
import pytest
from flax import nnx

from tlx.engine.model import ModelSpec, Shapes
from tlx.engine.slow_ops import warn_of_slow_ops
from tlx.errors import SlowWarning
from tlx.layers import max_pool
from tlx.plugins import Registry

REGISTRY = Registry.load(environ={"TLX_PLUGINS": "backbones"})
DEEPER = (
    "dirt_t_large",
    "efficientnet_b0",
    "mobilenet_v2_cifar",
    "resnet101",
    "resnet18_cifar",
    "resnet34",
    "resnet50",
    "vgg16",
    "vgg19",
    "vit_base",
    "vit_small",
    "vit_tiny_patch16",
    "wrn_28_10",
    "wrn_40",
)
SHAPES = {"cnn1d": (64, 9)}  # of those that are not for images
BUILT_IN = [  # those of the layers of another are slow to trace
    pytest.param(entry.name, marks=[pytest.mark.slow] if entry.name.startswith(DEEPER) else [])
    for entry in REGISTRY.entries("backbones")
]


class Net(nnx.Module):
    """A convolution, then pooling as given."""

    def __init__(self, rngs, pool, groups=1):
        self.conv = nnx.Conv(2, 4, (3, 3), feature_group_count=groups, rngs=rngs)
        self.pool, self.width = pool, 8 * 8 * 4

    def __call__(self, x):
        return self.pool(self.conv(x.repeat(2, -1))).reshape(x.shape[0], -1)


def windows(x):
    return nnx.max_pool(x, (2, 2), strides=(2, 2))


def spec(backbone, *shape: int) -> ModelSpec:
    kind = np.uint8 if len(shape) == 3 else np.float32
    return ModelSpec(backbone, Shapes.of(np.zeros((1, *shape), kind)), 10, 10)


def messages(backbone) -> list[str]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warn_of_slow_ops(spec(backbone, 16, 16, 1))
    assert all(issubclass(each.category, SlowWarning) for each in caught)
    return [str(each.message) for each in caught]


def test_max_pool_gets_its_remedy():
    def windowed(shape, rngs):
        return Net(rngs, windows)

    (message,) = messages(windowed)
    assert message.startswith("backbone windowed is slow on the CPU")
    assert "tlx.layers.max_pool" in message


def test_convolution_that_is_not_ours_gets_its_remedy():
    def grouped(shape, rngs):
        return Net(rngs, max_pool, groups=2)

    class Direct(Net):
        def __call__(self, x):
            kernel = jax.numpy.ones((3, 3, 1, 1))
            x = jax.lax.conv_general_dilated(x, kernel, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))
            return super().__call__(x)

    def direct(shape, rngs):
        return Direct(rngs, max_pool)

    for backbone in (grouped, direct):
        (message,) = messages(backbone)
        assert "tlx.layers.conv_general_dilated" in message


def test_plain_flax_convolution_gets_ours_and_no_warning():
    def plain(shape, rngs):
        return Net(rngs, max_pool)

    assert messages(plain) == []


@pytest.mark.parametrize("name", BUILT_IN)
def test_built_in_backbones_have_none(name):
    warn_of_slow_ops(spec(REGISTRY.get("backbones", name), *SHAPES.get(name, (32, 32, 3))))
