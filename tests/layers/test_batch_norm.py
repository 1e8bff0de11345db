from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from tlx.layers import BlendedBatchNorm

X = np.float32(np.random.default_rng(0).normal(2, 3, (6, 4, 4, 3)))


def norm(kind: type[nnx.BatchNorm] = BlendedBatchNorm) -> Any:
    layer: Any = kind(3, momentum=0.8, rngs=nnx.Rngs(0))
    layer.mean[...], layer.var[...] = jnp.array([1.0, 0, -1]), jnp.array([4.0, 1, 9])
    layer.scale[...] = jnp.array([1.0, 2, 3])
    return layer


def statistics(layer):
    return np.asarray(layer.mean[...]), np.asarray(layer.var[...])


def test_unset_it_is_batch_norm():
    plain, ours = norm(nnx.BatchNorm), norm()
    np.testing.assert_array_equal(plain(X), ours(X))
    np.testing.assert_array_equal(statistics(plain), statistics(ours))


@pytest.mark.parametrize("part", [0.0, 0.25, 1.0, np.array([0.0, 1.0, 1.0])])
def test_blend_by_hand(part):
    """A scalar part, as a prior; or one a channel, as in stochastic normalisation. Both statistics are blended."""
    layer, seen = norm(), []
    layer.running = lambda number, channels: seen.append((number, channels)) or part
    layer.layer = 5
    before = statistics(layer)
    mean, var = (part * b + (1 - part) * s for b, s in zip(before, (X.mean((0, 1, 2)), X.var((0, 1, 2))), strict=True))
    expected = (X - mean) / np.sqrt(var + 1e-5) * np.array([1.0, 2, 3])
    np.testing.assert_allclose(layer(X), expected, rtol=1e-4, atol=1e-4)
    assert seen == [(5, 3)]
    plain = norm(nnx.BatchNorm)
    plain(X)
    np.testing.assert_array_equal(statistics(layer), statistics(plain))


@pytest.mark.parametrize(("rows", "factor"), [(4, 1.3333), (32, 1.0323), (128, 1.0079)])
def test_running_variance_is_biased_where_pytorchs_is_not(rows, factor):
    """PyTorch: running = 0.9 running + 0.1 var n / (n - 1). With images n counts pixels."""
    x = np.float32(np.random.default_rng(1).normal(2, 3, (rows, 3)))
    for shown in (x, x.reshape(1, 2, rows // 2, 3)):
        layer, torchs = BlendedBatchNorm(3, momentum=0.9, rngs=nnx.Rngs(0)), np.ones(3)
        call = nnx.jit(lambda layer, x: layer(x))
        for _ in range(150):
            call(layer, shown)
            torchs = 0.9 * torchs + 0.1 * np.var(np.float64(x), 0, ddof=1)
        found = np.asarray(layer.var[...])
        np.testing.assert_allclose(found, np.var(np.float64(x), 0), rtol=1e-4)
        np.testing.assert_allclose(torchs / found, factor, rtol=2e-4)
        assert rows / (rows - 1) == pytest.approx(factor, abs=5e-5)
        own = (np.float64(x) - x.mean(0)) / np.sqrt(np.var(np.float64(x), 0) + 1e-5)
        np.testing.assert_allclose(np.reshape(layer(shown), x.shape), own, atol=1e-4, err_msg="outputs are PyTorch's")


def test_eval_mode_takes_no_part():
    layer, plain = norm(), norm(nnx.BatchNorm)
    layer.running = lambda *_: 0.5
    layer.eval()
    plain.eval()
    np.testing.assert_array_equal(layer(X), plain(X))
