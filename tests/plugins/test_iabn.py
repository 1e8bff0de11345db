"""Instance-aware batch norm against the paper's equation, in NumPy, and the network that has it."""

from fnmatch import fnmatchcase

import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from tlx.blocks import NORM
from tlx.ops.paths import by_path
from tlx_backbones.iabn import InstanceAwareBatchNorm, ResNet18CifarIABN
from tlx_backbones.resnet import ResNet18Cifar

EPSILON = 1e-5


def softshrink(x, threshold):
    return np.where(x > threshold, x - threshold, np.where(x < -threshold, x + threshold, 0))


def as_published(x, mean, variance, k):
    """Equations 4 to 6, of the statistics of a batch or the running ones."""
    n = x.shape[1] * x.shape[2]
    own, spread = x.mean((1, 2), keepdims=True), x.var((1, 2), ddof=1, keepdims=True)
    around = mean + softshrink(own - mean, k * np.sqrt((variance + EPSILON) / n))
    wide = variance + softshrink(spread - variance, k * (variance + EPSILON) * np.sqrt(2 / (n - 1)))
    return (x - around) / np.sqrt(np.maximum(wide, 0) + EPSILON)


@pytest.fixture
def layer():
    return InstanceAwareBatchNorm(3, k=2.0, rngs=nnx.Rngs(0))


@pytest.fixture
def x():
    """Normal pixels of eight images, of which one is brighter and one flatter than the others."""
    x = np.random.default_rng(0).normal(size=(8, 8, 8, 3)).astype(np.float32)
    x[0] += 2
    x[1] *= 0.1
    return jnp.asarray(x)


def test_it_is_the_papers_equation_by_batch_and_by_running_statistics(layer, x):
    layer.train()
    pixels = np.asarray(x)
    expected = as_published(pixels, pixels.mean((0, 1, 2)), pixels.var((0, 1, 2)), 2.0)
    np.testing.assert_allclose(layer(x), expected, atol=1e-4)
    layer.eval()
    running = np.asarray(layer.norm.mean[...]), np.asarray(layer.norm.var[...])
    np.testing.assert_allclose(layer(x), as_published(pixels, *running, 2.0), atol=1e-4)


def test_only_images_that_stand_out_are_normalised_by_their_own_statistics(x):
    """The trap: an instance norm, which makes all images alike."""
    layer = InstanceAwareBatchNorm(3, k=4.0, rngs=nnx.Rngs(0))
    layer.eval()  # running statistics 0 and 1, those of the usual images
    change = np.abs(np.asarray(layer(x)) - np.asarray(layer.norm(x))).max((1, 2, 3))
    assert (change[:2] > 0.05).all() and (change[2:] < 0.05).all()


def test_one_pixel_has_no_statistics_of_its_own(layer):
    layer.train()
    x = jnp.asarray(np.random.default_rng(1).normal(size=(8, 1, 1, 3)).astype(np.float32))
    np.testing.assert_allclose(layer(x), layer.norm(x), atol=1e-6)


def test_the_network_is_resnet18_with_other_norms_that_methods_at_test_time_find():
    def made(kind):
        return nnx.eval_shape(lambda: kind((32, 32, 3), nnx.Rngs(0)))

    def parameters(kind):
        return by_path(nnx.state(made(kind), nnx.Param))

    own, plain = parameters(ResNet18CifarIABN), parameters(ResNet18Cifar)
    assert {path: leaf.shape for path, leaf in own.items()} == {path: leaf.shape for path, leaf in plain.items()}
    found = [
        layer for _, layer in nnx.iter_modules(made(ResNet18CifarIABN)) if isinstance(layer, InstanceAwareBatchNorm)
    ]
    assert len(found) == 20
    globs = NORM.split("|")
    adapted = [path for path in own if any(fnmatchcase(f"features/{path}", glob) for glob in globs)]
    assert len(adapted) == 2 * len(found) and all(path.endswith(("scale/value", "bias/value")) for path in adapted)
