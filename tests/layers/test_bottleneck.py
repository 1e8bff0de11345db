"""The bottleneck by hand, beside those that TLLib gives DAN and JAN."""

from typing import Any

import jax
import numpy as np
import pytest
from flax import nnx

from tlx.layers import Bottleneck

X = np.random.default_rng(0).normal(size=(32, 500)).astype(np.float32)


class Identity(nnx.Module):
    """A backbone of 500 features."""

    width = 500

    def __call__(self, x: Any) -> Any:
        return x


def made() -> Any:
    return Bottleneck(Identity(), 256, nnx.Rngs(0))


def test_has_batch_norm_and_no_dropout_where_tllibs_dan_has_the_reverse():
    """TLLib, in train mode: DAN's is Linear-ReLU-Dropout(0.5), JAN's Linear-BN-ReLU-Dropout(0.5)."""
    module = made()
    h = np.float64(X) @ np.asarray(module.fc.kernel[...]) + np.asarray(module.fc.bias[...])
    normal = np.maximum((h - h.mean(0)) / np.sqrt(h.var(0) + 1e-5), 0)
    found = np.asarray(module(X))
    np.testing.assert_allclose(found, normal, rtol=1e-3, atol=1e-4)
    kept = np.random.default_rng(1).random(h.shape) < 0.5
    dan, jan = 2 * kept * np.maximum(h, 0), 2 * kept * normal
    squares = [np.mean(each**2) for each in (found, jan, dan)]
    assert squares == pytest.approx([0.5, 1.0, 1.0], rel=0.05)
    assert np.mean(found == 0) == pytest.approx(0.5, abs=0.02) and np.mean(dan == 0) == pytest.approx(0.75, abs=0.02)
    assert len(jax.tree.leaves(nnx.state(module, nnx.Param))) == 4, "kernel and bias, scale and shift"


def test_starts_wider_than_pytorchs():
    """0.0447 for 0.0258 of U(+-1/sqrt(500))."""
    kernel, uniform = made().fc.kernel[...], np.random.default_rng(0).uniform(-1, 1, 100_000) / np.sqrt(500)
    assert (np.std(kernel), uniform.std()) == pytest.approx((0.0447, 0.0258), rel=0.005)
    assert not made().fc.bias[...].any()


def test_turns_a_third_as_fast_as_from_pytorchs_start():
    """Before batch norm, weights of sqrt(3) times the size have the same output and 1 / sqrt(3) of the slope."""
    wanted = np.random.default_rng(2).normal(size=(32, 256)).astype(np.float32)

    def turn(scale: float) -> float:
        module = made()
        module.fc.kernel[...] = scale * module.fc.kernel[...]
        slopes: Any = nnx.grad(lambda module: ((module(X) - wanted) ** 2).mean())(module)
        return float(np.linalg.norm(slopes.fc.kernel[...]) / np.linalg.norm(module.fc.kernel[...]))

    assert turn(1.0) / turn(3**-0.5) == pytest.approx(1 / 3, rel=1e-3)
