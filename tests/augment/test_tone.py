"""Against Pillow, image by image; its whole numbers lie within one level (1/255) of the floats."""

import colorsys

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageEnhance, ImageOps

from tlx.augment import tone

FACTORS = [0.05, 0.5, 1.0, 1.4]
ENHANCERS = [
    (tone.brightness, ImageEnhance.Brightness),
    (tone.contrast, ImageEnhance.Contrast),
    (tone.saturation, ImageEnhance.Color),
    (tone.sharpness, ImageEnhance.Sharpness),
]


def by_pillow(pictures, change):
    return np.stack([np.asarray(change(Image.fromarray(picture))) for picture in pictures]) / 255


@pytest.mark.parametrize(("ours", "enhancer"), ENHANCERS, ids=lambda item: item.__name__)
def test_blends_are_pillows(pictures, x, ours, enhancer):
    for factor in FACTORS:
        wanted = by_pillow(pictures, lambda image, factor=factor: enhancer(image).enhance(factor))
        np.testing.assert_allclose(ours(x, jnp.full(len(x), factor)), wanted, atol=2 / 255)


@pytest.mark.parametrize(("ours", "_"), ENHANCERS, ids=lambda item: item.__name__)
def test_a_factor_of_one_changes_nothing(x, ours, _):
    np.testing.assert_allclose(ours(x, jnp.ones(len(x))), x, atol=1e-6)


def test_autocontrast_is_pillows(pictures, x):
    np.testing.assert_allclose(tone.autocontrast(x), by_pillow(pictures, ImageOps.autocontrast), atol=1.01 / 255)


def test_equalize_is_pillows_exactly(pictures, x):
    np.testing.assert_allclose(tone.equalize(x), by_pillow(pictures, ImageOps.equalize), atol=1e-6)


def test_equalize_of_large_images_is_pillows_exactly():
    """Where there are more pixels than levels, Pillow's table is clipped at 255."""
    random = np.random.default_rng(3)
    pictures = np.stack([random.binomial(255, p, (40, 33, 3)) for p in (0.1, 0.5, 0.9)]).astype(np.uint8)
    got = tone.equalize(jnp.asarray(pictures, jnp.float32) / 255)
    np.testing.assert_allclose(got, by_pillow(pictures, ImageOps.equalize), atol=1e-6)


def test_posterize_is_pillows_exactly(pictures, x):
    for bits in range(1, 9):
        wanted = by_pillow(pictures, lambda image, bits=bits: ImageOps.posterize(image, bits))
        np.testing.assert_allclose(tone.posterize(x, jnp.full(len(x), bits)), wanted, atol=1e-6)


def test_solarize_is_pillows_exactly(pictures, x):
    for level in (0, 31, 128, 256):
        wanted = by_pillow(pictures, lambda image, level=level: ImageOps.solarize(image, level))
        np.testing.assert_allclose(tone.solarize(x, jnp.full(len(x), level / 255)), wanted, atol=1e-6)


def test_luma_is_pillows(pictures, x):
    wanted = by_pillow(pictures, lambda image: image.convert("L"))
    np.testing.assert_allclose(tone.luma(x)[..., 0], wanted, atol=0.51 / 255)


def test_hue_is_that_of_colorsys(x):
    turns = np.linspace(-0.5, 0.5, len(x))
    got = np.asarray(tone.hue(x, jnp.asarray(turns, jnp.float32)))
    for image, turn, ours in zip(np.asarray(x), turns, got, strict=True):
        for pixel, mine in zip(image.reshape(-1, 3), ours.reshape(-1, 3), strict=True):
            hue, saturation, value = colorsys.rgb_to_hsv(*pixel.tolist())
            np.testing.assert_allclose(mine, colorsys.hsv_to_rgb((hue + turn) % 1, saturation, value), atol=1e-5)


@given(st.permutations(range(7)), st.lists(st.floats(0, 2, width=32), min_size=7, max_size=7))
def test_strengths_go_with_their_images(x, order, strengths):
    factor, order = jnp.array(strengths, jnp.float32), jnp.array(order)
    for function in (tone.contrast, tone.sharpness, tone.hue, tone.solarize):
        changed = function(x, factor)
        np.testing.assert_array_equal(function(x[order], factor[order]), changed[order])
        assert changed.shape == x.shape and changed.dtype == x.dtype
        assert float(changed.min()) >= -1e-6 and float(changed.max()) <= 1 + 1e-6


def test_grey_images(x):
    grey = x[..., :1]
    ones = jnp.ones(len(x))
    np.testing.assert_array_equal(tone.hue(grey, 0.3 * ones), grey)
    np.testing.assert_array_equal(tone.luma(grey), grey)
    np.testing.assert_allclose(tone.saturation(grey, 0.3 * ones), grey, atol=1e-6)
    np.testing.assert_array_equal(tone.sharpness(grey[:, :2], 0.3 * ones), grey[:, :2])
