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
