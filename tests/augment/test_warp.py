import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import affine_transform, map_coordinates

from tlx import SettingError
from tlx.augment.warp import after, bilinear, matrices, rotation, warp

KEY = jax.random.key(0)
WARP = jax.jit(warp, static_argnames="fill")


def test_bilinear_is_that_of_scipy(x):
    at = jax.random.uniform(KEY, (*x.shape[:3], 2), minval=-1.0, maxval=14.0)
    got = bilinear(x, at)
    for image, place, wanted in zip(np.asarray(x), np.asarray(at), got, strict=True):
        for c in range(3):
            reference = map_coordinates(image[..., c], np.moveaxis(place, -1, 0), order=1, mode="nearest")
            np.testing.assert_allclose(wanted[..., c], reference, atol=1e-5)


@pytest.mark.parametrize(("fill", "mode"), [("zero", "grid-constant"), ("edge", "nearest")])
def test_warp_is_scipys_affine_transform(x, fill, mode):
    maps = np.eye(2) + 0.3 * np.random.default_rng(1).normal(size=(len(x), 2, 2)).astype(np.float32)
    offsets = np.random.default_rng(2).uniform(-4, 4, (len(x), 2)).astype(np.float32)
    got = np.asarray(WARP(x, jnp.asarray(maps, jnp.float32), jnp.asarray(offsets), fill=fill))
    centre = (np.array(x.shape[1:3]) - 1) / 2
    for image, matrix, offset, warped in zip(np.asarray(x), maps, offsets, got, strict=True):
        shift = centre + offset - matrix @ centre
        for c in range(3):
            wanted = affine_transform(image[..., c], matrix, shift, order=1, mode=mode)
            np.testing.assert_allclose(warped[..., c], wanted, atol=1e-4)


def test_a_quarter_turn_is_counter_clockwise(x):
    square = x[:, :10]
    got = warp(square, rotation(jnp.full(len(x), 90.0)))
    np.testing.assert_allclose(got, np.rot90(square, axes=(1, 2)), atol=1e-4)


def test_products_of_maps_come_one_after_the_other():
    one, two = (jax.random.normal(key, (4, 2, 2)) for key in jax.random.split(KEY))
    np.testing.assert_allclose(after(one, two), np.asarray(one) @ np.asarray(two), atol=1e-6)
    np.testing.assert_array_equal(matrices(1.0, jnp.array([2.0, 5.0]), 3.0, 4.0)[1], [[1, 5], [3, 4]])


@given(st.permutations(range(7)), st.integers(0, 2**31))
def test_images_go_with_their_own_maps(x, order, seed):
    """Permuting images and maps permutes the result, in [0, 1] as the input; the identity changes nothing."""
    maps = np.eye(2) + 0.3 * np.random.default_rng(seed).normal(size=(7, 2, 2))
    maps = jnp.asarray(maps, jnp.float32).at[0].set(jnp.eye(2))
    order, offset = jnp.array(order), jnp.zeros((7, 2))
    got = WARP(x, maps, offset, fill="zero")
    np.testing.assert_array_equal(WARP(x[order], maps[order], offset, fill="zero"), got[order])
    np.testing.assert_array_equal(got[0], x[0])
    assert got.dtype == x.dtype and float(got.min()) >= 0 and float(got.max()) <= 1 + 1e-6


@pytest.mark.parametrize("shape", [(2, 1, 1, 1), (2, 1, 5, 3), (2, 6, 1, 1)])
def test_images_of_one_row_or_column(shape):
    x = jnp.ones(shape)
    np.testing.assert_allclose(warp(x, jnp.tile(0.9 * jnp.eye(2), (2, 1, 1)), fill="edge"), x, atol=1e-6)


def test_another_fill_is_named(x):
    with pytest.raises(SettingError, match="fill is 'egde'; expected one of zero, edge; did you mean edge?"):
        warp(x, rotation(jnp.zeros(7)), fill="egde")
