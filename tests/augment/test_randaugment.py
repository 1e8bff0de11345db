import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import affine_transform

from tlx.augment import tone
from tlx.augment.randaugment import OPERATIONS, operate, randaugment

KEY = jax.random.key(0)
OPERATE = jax.jit(operate)
RANDAUGMENT = jax.jit(randaugment, static_argnames="layers")
STRENGTHS = np.linspace(0.0, 1.0, 7, dtype=np.float32)


def moved(image, matrix, offset):
    centre = (np.array(image.shape[:2]) - 1) / 2
    matrix = np.asarray(matrix, np.float64)
    parts = [
        affine_transform(image[..., c], matrix, centre + offset - matrix @ centre, order=1, mode="grid-constant")
        for c in range(3)
    ]
    return np.stack(parts, -1)


def turned(angle):
    cos, sin = np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))
    return [[cos, sin], [-sin, cos]]


GEOMETRIC = {
    "rotate": lambda image, s: moved(image, turned(30 * s), [0, 0]),
    "shear_x": lambda image, s: moved(image, [[1, 0], [0.3 * s, 1]], [0, 0]),
    "shear_y": lambda image, s: moved(image, [[1, 0.3 * s], [0, 1]], [0, 0]),
    "translate_x": lambda image, s: moved(image, np.eye(2), [0, 0.3 * 10 * s]),
    "translate_y": lambda image, s: moved(image, np.eye(2), [0.3 * 13 * s, 0]),
}
TONES = {
    "identity": lambda x, s: x,
    "autocontrast": lambda x, s: tone.autocontrast(x),
    "equalize": lambda x, s: tone.equalize(x),
    "posterize": lambda x, s: tone.posterize(x, jnp.minimum(4 + jnp.floor(5 * s), 8).astype(int)),
    "solarize": lambda x, s: tone.solarize(x, s),
    "brightness": lambda x, s: tone.brightness(x, 0.05 + 0.9 * s),
    "color": lambda x, s: tone.saturation(x, 0.05 + 0.9 * s),
    "contrast": lambda x, s: tone.contrast(x, 0.05 + 0.9 * s),
    "sharpness": lambda x, s: tone.sharpness(x, 0.05 + 0.9 * s),
}


def test_every_operation_is_tested():
    assert sorted([*GEOMETRIC, *TONES]) == sorted(OPERATIONS)


@pytest.mark.parametrize("name", OPERATIONS)
def test_each_operation_at_seven_strengths(x, name):
    got = OPERATE(x, jnp.full(7, OPERATIONS.index(name)), jnp.asarray(STRENGTHS))
    if name in TONES:
        wanted = TONES[name](x, jnp.asarray(STRENGTHS))
    else:
        wanted = [GEOMETRIC[name](image, 2 * s - 1) for image, s in zip(np.asarray(x), STRENGTHS, strict=True)]
    np.testing.assert_allclose(got, np.asarray(wanted), atol=1e-4)


def test_rotation_turns_as_pillow(pictures, x):
    got = OPERATE(x, jnp.full(7, OPERATIONS.index("rotate")), jnp.ones(7))
    wanted = np.asarray(Image.fromarray(pictures[3]).rotate(30, Image.Resampling.BILINEAR)) / 255
    inside = np.s_[4:9, 3:7]  # Pillow treats the border in another way
    np.testing.assert_allclose(got[3][inside], wanted[inside], atol=2 / 255)


def test_shears_are_about_the_centre_and_pillows_about_the_corner():
    """FixMatch's are Pillow's: the whole image lies half its side times the slope further, 4.8 pixels at 32x32."""
    noise = np.random.default_rng(0).integers(0, 256, (8, 8, 3), np.uint8)
    picture = np.asarray(Image.fromarray(noise).resize((32, 32), Image.Resampling.BICUBIC))
    got = OPERATE(jnp.asarray(picture[None], jnp.float32) / 255, jnp.array([OPERATIONS.index("shear_x")]), jnp.ones(1))[
        0
    ]

    def sheared(offset):
        how = (32, 32), Image.Transform.AFFINE, (1, 0.3, offset, 0, 1, 0), Image.Resampling.BILINEAR
        return np.asarray(Image.fromarray(picture).transform(*how)) / 255

    inside = np.s_[8:24, 8:18]  # of the image under both
    gaps = [float(np.abs(got[inside] - sheared(offset)[inside]).mean()) for offset in (-0.3 * 32 / 2, 0.0)]
    assert gaps[0] < 1 / 255 and gaps[1] > 20 / 255
    ramp = np.broadcast_to(5 * np.arange(32, dtype=np.uint8)[None, :, None], (32, 32, 3))
    got = OPERATE(jnp.asarray(ramp[None], jnp.float32) / 255, jnp.array([OPERATIONS.index("shear_x")]), jnp.ones(1))[0]
    picture = ramp
    np.testing.assert_allclose((sheared(0.0) - got)[inside] * 255 / 5, 4.8, atol=0.2)


def test_every_operation_drawn_is_applied():
    """FixMatch-pytorch leaves out each with probability 0.5, so that half of the images stay what they are.

    Here a tenth do: the identity is a 14th of the draws; a fifth of posterise keeps all bits, of solarise all pixels.
    """
    noise = np.random.default_rng(0).integers(51, 205, (1, 24, 24, 3)) / 255  # in [0.2, 0.8]
    many = jnp.tile(jnp.float32(noise), (1000, 1, 1, 1))
    changed = RANDAUGMENT(KEY, many, layers=1)
    same = np.abs(np.asarray(changed - many)).max((1, 2, 3)) < 1e-3
    assert same.mean() == pytest.approx(1.4 / 14, abs=0.02)


def test_images_go_with_their_own_operations(x):
    """A batch of all operations is each alone; every image has a draw of its own, whatever the others are."""
    which, strength = jnp.arange(14), jnp.linspace(0, 1, 14)
    many = jnp.concatenate([x, x])
    together = OPERATE(many, which, strength)
    order = jnp.asarray(np.random.default_rng(0).permutation(14))
    np.testing.assert_array_equal(OPERATE(many[order], which[order], strength[order]), together[order])
    np.testing.assert_array_equal(RANDAUGMENT(KEY, many)[9], RANDAUGMENT(KEY, many.at[:9].set(0.5))[9])


def test_layers_and_range(x):
    np.testing.assert_array_equal(randaugment(KEY, x, 0), x)
    changed = RANDAUGMENT(KEY, jnp.tile(x[:1], (14, 1, 1, 1)))
    assert len(np.unique(np.asarray(changed).round(4), axis=0)) > 10
    assert float(changed.min()) >= 0 and float(changed.max()) <= 1 + 1e-6
