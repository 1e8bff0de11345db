"""Images at one size: bilinear as Pillow has it, luma as BT.601 has it, and no copy of what fits."""

import numpy as np
import pytest
from beartype import beartype
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays as np_arrays
from jaxtyping import jaxtyped
from PIL import Image

from tlx.data import resize as module

fit = jaxtyped(typechecker=beartype)(module.fit)

IMAGES = st.tuples(st.integers(1, 3), st.integers(1, 9), st.integers(1, 9), st.sampled_from([1, 3])).flatmap(
    lambda shape: np_arrays(np.uint8, shape)
)


@given(IMAGES, st.integers(1, 12), st.sampled_from([1, 3]))
def test_fit_has_the_asked_shape_and_stays_in_range(x, size, channels):
    y = fit(x, size, channels)
    assert y.shape == (len(x), size, size, channels)
    for before, after in zip(x, y, strict=True):
        assert before.min() <= after.min() and after.max() <= before.max()


@given(IMAGES, st.integers(1, 12), st.sampled_from([1, 3]))
def test_fit_leaves_what_fits_and_makes_a_row_of_that_row_alone(x, size, channels):
    y = fit(x, size, channels)
    assert np.array_equal(fit(y, size, channels), y)
    assert np.array_equal(fit(x[-1:], size, channels), y[-1:])


def test_grey_is_repeated_and_rgb_becomes_luma():
    grey = np.arange(5 * 16, dtype=np.uint8).reshape(5, 4, 4, 1)
    assert np.array_equal(fit(grey, 4, 3), np.concatenate([grey] * 3, axis=3))
    colours = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255]], np.uint8).reshape(1, 2, 2, 3)
    assert fit(colours, 2, 1).ravel().tolist() == [76, 150, 29, 255]  # BT.601


def test_resizing_is_bilinear():
    ramp = np.array([[0, 100]], np.uint8).reshape(1, 1, 2, 1).repeat(2, axis=1)
    assert fit(ramp, 4, 1)[0, 0, :, 0].tolist() == [0, 25, 75, 100]


def slow(x: np.ndarray, size: int) -> np.ndarray:
    """Pillow's resize of each image, to its new width and then to its new height."""
    bilinear = Image.Resampling.BILINEAR
    images = [Image.fromarray(image) for image in (x[..., 0] if x.shape[3] == 1 else x)]
    resized = [image.resize((size, image.height), bilinear).resize((size, size), bilinear) for image in images]
    return np.stack([np.asarray(image) for image in resized]).reshape(len(x), size, size, x.shape[3])


@given(IMAGES, st.integers(1, 40))
def test_it_is_pillows_resize_of_every_image(x, size):
    assert np.array_equal(fit(x, size, x.shape[3]), slow(x, size))


@pytest.mark.parametrize(("before", "after"), [(16, 28), (28, 32), (96, 32), (32, 28)])
def test_square_images_are_resized_as_pillow_does_in_one_call(before, after):
    x = np.random.default_rng(0).integers(0, 256, (3, before, before, 3), np.uint8)
    once = [Image.fromarray(image).resize((after, after), Image.Resampling.BILINEAR) for image in x]
    assert np.array_equal(fit(x, after, 3), np.stack([np.asarray(image) for image in once]))


@pytest.mark.parametrize("rows", [module.CHUNK - 1, module.CHUNK, 2 * module.CHUNK + 1])
def test_many_images_are_as_few(rows):
    x = np.random.default_rng(0).integers(0, 256, (rows, 7, 6, 3), np.uint8)
    assert np.array_equal(fit(x, 5, 3), slow(x, 5))
    assert np.array_equal(fit(x, 5, 1)[-3:], fit(x[-3:], 5, 1))


def test_what_fits_is_not_copied():
    x = np.zeros((4, 5, 5, 1), np.uint8)
    assert np.shares_memory(fit(x, 5, 1), x) and np.shares_memory(fit(x, 5, 3), x)
