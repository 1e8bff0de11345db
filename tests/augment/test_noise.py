import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from tlx import SettingError
from tlx.augment import noise as operations

# one program each: run operation by operation, a test compiles each operation for each shape
blur = jax.jit(operations.blur, static_argnames=("low", "high"))
cutout = jax.jit(operations.cutout, static_argnames="size")
intensity, noise = jax.jit(operations.intensity), jax.jit(operations.noise)
gaussian = jax.jit(operations.gaussian, static_argnames="radius")
KEY = jax.random.key(0)


def test_no_strength_changes_nothing(x):
    np.testing.assert_array_equal(noise(KEY, x, 0.0), x)
    np.testing.assert_allclose(intensity(KEY, x, 1.0, 1.0, 0.0, 0.0), x, atol=1e-6)
    np.testing.assert_array_equal(cutout(KEY, x, 0.0), x)
    np.testing.assert_allclose(gaussian(x, jnp.full(7, 0.01), 1), x, atol=1e-6)


def test_noise_has_its_spread():
    np.testing.assert_allclose(noise(KEY, jnp.zeros((50, 20, 20, 1)), 0.3).std(), 0.3, rtol=0.02)


def test_intensity_is_one_line_an_image():
    ramp = jnp.tile(jnp.linspace(0, 1, 16).reshape(1, 4, 4, 1), (400, 1, 1, 1))
    changed = np.asarray(intensity(KEY, ramp, 0.25, 1.5, 0.25, 0.5))
    gain, bias = np.polyfit(np.asarray(ramp[0]).ravel(), changed.reshape(400, -1).T, 1)
    np.testing.assert_allclose(changed.reshape(400, -1), np.outer(gain, ramp[0].ravel()) + bias[:, None], atol=1e-5)
    assert 0.25 <= np.abs(gain).min() < 0.3 and 1.45 < np.abs(gain).max() <= 1.5001
    assert 160 < (gain < 0).sum() < 240  # 200 expected, standard deviation 10
    offset = bias + gain / 2 - 0.5
    assert -0.2501 < offset.min() < -0.24 and 0.24 < offset.max() < 0.2501


def test_a_full_flip_is_the_negative(x):
    np.testing.assert_allclose(intensity(KEY, x, 1.0, 1.0, 0.0, 1.0), 1 - x, atol=1e-6)


@given(size=st.sampled_from([0.1, 0.25, 0.5, 1.0]), seed=st.integers(0, 2**31))
def test_a_hole_is_a_square_cut_by_the_border(size, seed):
    holes = np.asarray(cutout(jax.random.key(seed), jnp.ones((20, 12, 16, 1)), size, 0.0))[..., 0] == 0
    side = round(size * 12)
    for hole in holes:
        rows, columns = np.flatnonzero(hole.any(1)), np.flatnonzero(hole.any(0))
        assert hole.sum() == len(rows) * len(columns) > 0
        assert np.ptp(rows) == len(rows) - 1 and np.ptp(columns) == len(columns) - 1
        for line, length in ((rows, 12), (columns, 16)):
            assert len(line) <= side
            assert len(line) == side or line[0] == 0 or line[-1] == length - 1


def test_hole_centres_are_uniform():
    holes = np.asarray(cutout(KEY, jnp.ones((3600, 6, 6, 1)), 0.2, 0.0))[..., 0] == 0  # one pixel
    counts = holes.sum(0)
    assert holes.sum() == 3600 and counts.min() > 60 and counts.max() < 140  # 100 expected, standard deviation 10


def test_gaussian_is_that_of_scipy(x):
    sigma = jnp.linspace(0.3, 1.5, len(x))
    got = gaussian(x, sigma, 4)
    for image, each, ours in zip(np.asarray(x), sigma, got, strict=True):
        wanted = gaussian_filter(image, float(each), mode="mirror", radius=4, axes=(0, 1))
        np.testing.assert_allclose(ours, wanted, atol=1e-5)


def test_a_wide_blur_of_a_small_image_keeps_its_range():
    small = jax.random.uniform(KEY, (3, 2, 5, 1))
    blurred = blur(KEY, small, 1.0, 2.0)
    assert blurred.shape == small.shape and small.min() <= blurred.min() and blurred.max() <= small.max()


def test_a_hole_larger_than_the_image_is_refused(x):
    with pytest.raises(SettingError, match="cutout: size is 16; expected a part of the image, 0 to 1"):
        cutout(KEY, x, 16)
