import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tlx import SettingError
from tlx.augment import geometry

# one program each: run operation by operation, a test compiles each operation for each shape
crop = jax.jit(geometry.crop, static_argnames=("pad", "mode"))
flip = jax.jit(geometry.flip)
rotate = jax.jit(geometry.rotate, static_argnames="fill")
shear = jax.jit(geometry.shear, static_argnames="fill")
translate = jax.jit(geometry.translate, static_argnames="fill")
scale = jax.jit(geometry.scale, static_argnames="fill")
affine = jax.jit(geometry.affine, static_argnames="fill")
KEY = jax.random.key(0)


@pytest.mark.parametrize(("mode", "padding"), [("zero", "constant"), ("edge", "edge"), ("reflect", "reflect")])
def test_crops_are_windows_of_the_padded_image(x, mode, padding):
    padded = np.pad(x, ((0, 0), (2, 2), (2, 2), (0, 0)), mode=padding)
    for image, source in zip(np.asarray(crop(KEY, x, 2, mode)), padded, strict=True):
        windows = [source[i : i + 13, j : j + 10] for i in range(5) for j in range(5)]
        assert any(np.array_equal(image, window) for window in windows)


def test_crops_are_uniform():
    ramp = jnp.tile(jnp.arange(9.0)[None, :, None, None], (2000, 1, 9, 1))
    centres = np.asarray(crop(KEY, ramp, 2, "edge"))[:, 4, 4, 0].astype(int)
    counts = np.bincount(centres - 2, minlength=5)
    assert counts.min() > 320 and counts.max() < 480  # 400 expected, standard deviation 18


def test_flip(x):
    many = jnp.tile(x[:1], (400, 1, 1, 1))
    once = flip(KEY, many)
    flipped = (np.asarray(once) == np.asarray(many[:, :, ::-1])).all((1, 2, 3))
    assert 150 < flipped.sum() < 250  # 200 expected, standard deviation 10
    np.testing.assert_array_equal(once[~flipped], many[~flipped])
    np.testing.assert_array_equal(flip(KEY, once), many)
    np.testing.assert_array_equal(flip(KEY, x, 1.0), x[:, :, ::-1])


def disc(count: int) -> jax.Array:
    """A bright spot of nine pixels above and left of the centre, [count, 41, 41, 1]."""
    return jnp.zeros((count, 41, 41, 1)).at[:, 9:12, 14:17].set(1.0)


def spots(images: jax.Array) -> np.ndarray:
    """Where the spot is, (row, column) from the centre."""
    weights = np.asarray(images)[..., 0] / np.asarray(images).sum((1, 2, 3))[:, None, None]
    places = np.arange(41) - 20
    return np.stack([(weights * places[:, None]).sum((1, 2)), (weights * places).sum((1, 2))], -1)


def test_rotations_reach_their_angle():
    at = spots(rotate(KEY, disc(500), 30.0))
    radius = np.hypot(10, 5)
    np.testing.assert_allclose(np.hypot(*at.T), radius, atol=0.05)
    angles = np.rad2deg(np.angle((at @ [1, 1j]) / (-10 - 5j)))
    assert -30.5 < angles.min() < -28 and 28 < angles.max() < 30.5


def test_translations_reach_their_fraction():
    moved = spots(translate(KEY, disc(500), 0.1)) - [-10, -5]
    assert moved.min() == pytest.approx(-4.1, abs=0.15) and moved.max() == pytest.approx(4.1, abs=0.15)


def test_scales_reach_their_factors():
    factors = spots(scale(KEY, disc(500), 0.8, 1.2)) / [-10, -5]
    np.testing.assert_allclose(factors[:, 0], factors[:, 1], atol=0.02)
    assert factors.min() == pytest.approx(0.8, abs=0.02) and factors.max() == pytest.approx(1.2, abs=0.02)


def test_shears_keep_area_and_reach_their_slope():
    """The spot (r, c) goes to the inverse of [[1, 0], [s, 1]] [[1, t], [0, 1]]: r - t (c - s r), c - s r."""
    at = spots(shear(KEY, disc(500), 0.3))
    slopes = (at[:, 1] + 5) / 10
    assert slopes.min() == pytest.approx(-0.3, abs=0.02) and slopes.max() == pytest.approx(0.3, abs=0.02)
    along = (-10 - at[:, 0]) / at[:, 1]
    assert np.abs(along).max() < 0.32 and abs(np.corrcoef(slopes, along)[0, 1]) < 0.2


@pytest.mark.parametrize(
    "still",
    [
        lambda key, x: crop(key, x, 0),
        lambda key, x: flip(key, x, 0.0),
        lambda key, x: rotate(key, x, 0.0),
        lambda key, x: shear(key, x, 0.0),
        lambda key, x: translate(key, x, 0.0),
        lambda key, x: scale(key, x, 1.0, 1.0),
        lambda key, x: affine(key, x, 0.0),
    ],
)
def test_no_strength_changes_nothing(x, still):
    np.testing.assert_allclose(still(KEY, x), x, atol=1e-6)


def test_affine_maps_spread_as_said(x):
    at = spots(affine(KEY, disc(800), 0.1, "zero"))
    assert at.std(0) == pytest.approx(0.1 * np.hypot(10, 5), rel=0.15)


def test_another_mode_is_named(x):
    with pytest.raises(SettingError, match="mode is 'wrap'; expected one of zero, edge, reflect"):
        crop(KEY, x, 1, "wrap")
