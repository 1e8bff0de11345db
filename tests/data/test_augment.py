import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from tlx import SettingError
from tlx.data.augment import _bilinear, affine, augment, intensity, noise, shift

KEY = jax.random.key(0)
X = jax.random.normal(jax.random.key(1), (5, 9, 8, 3))


def test_shift_moves_each_image_by_whole_pixels():
    moved = np.asarray(shift(KEY, X, 2))
    padded = np.pad(X, ((0, 0), (2, 2), (2, 2), (0, 0)), mode="edge")
    for image, source in zip(moved, padded, strict=True):
        windows = [source[i : i + 9, j : j + 8] for i in range(5) for j in range(5)]
        assert any(np.array_equal(image, window) for window in windows)


def test_shifts_are_uniform():
    ramp = jnp.tile(jnp.arange(9.0)[None, :, None, None], (2000, 1, 9, 1))
    centres = np.asarray(shift(KEY, ramp, 2))[:, 4, 4, 0].astype(int)
    counts = np.bincount(centres - 2, minlength=5)
    assert counts.min() > 320 and counts.max() < 480  # 400 expected, standard deviation 18


def test_bilinear_is_that_of_scipy():
    at = jax.random.uniform(KEY, (5, 9, 8, 2), minval=-1.0, maxval=9.0)
    got = _bilinear(X, at)
    for b in range(5):
        for c in range(3):
            wanted = map_coordinates(
                np.asarray(X[b, :, :, c]), np.moveaxis(np.asarray(at[b]), -1, 0), order=1, mode="nearest"
            )
            np.testing.assert_allclose(got[b, :, :, c], wanted, atol=1e-5)


def test_no_spread_changes_nothing():
    np.testing.assert_allclose(affine(KEY, X, std=0.0), X, atol=1e-6)
    np.testing.assert_allclose(intensity(KEY, X, 0.0, 0.0), X, atol=1e-6)
    np.testing.assert_allclose(noise(KEY, X, 0.0), X)


def test_intensity_is_one_line_an_image():
    changed = np.asarray(intensity(KEY, X, 0.25, 0.25))
    for image, source in zip(changed, np.asarray(X), strict=True):
        gain, bias = np.polyfit(source.ravel(), image.ravel(), 1)
        np.testing.assert_allclose(image, gain * source + bias, atol=1e-5)
        assert abs(gain - 1) <= 0.25 and abs(bias) <= 0.25


def test_noise_has_its_spread():
    np.testing.assert_allclose((noise(KEY, jnp.zeros((50, 20, 20, 1)), 0.3)).std(), 0.3, rtol=0.02)


@pytest.mark.parametrize("strength", ["weak", "strong"])
def test_pure_and_vmappable(strength):
    keys = jax.random.split(KEY, 2)
    both = jax.jit(jax.vmap(lambda key: augment(key, X, strength)))(keys)
    assert both.shape == (2, *X.shape) and not np.array_equal(both[0], both[1])
    np.testing.assert_allclose(both[0], augment(keys[0], X, strength), atol=1e-5)


def test_another_strength_is_named():
    with pytest.raises(SettingError, match="strength is 'strnog'; expected 'weak' or 'strong'"):
        augment(KEY, X, "strnog")
