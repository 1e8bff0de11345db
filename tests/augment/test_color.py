import jax
import jax.numpy as jnp
import numpy as np

from tlx.augment import color

color_jitter, grayscale = jax.jit(color.color_jitter), jax.jit(color.grayscale)
KEY = jax.random.key(0)


def test_no_strength_changes_nothing(x):
    np.testing.assert_allclose(color_jitter(KEY, x, 0.0, 0.0, 0.0, 0.0), x, atol=1e-5)
    np.testing.assert_array_equal(grayscale(KEY, x, 0.0), x)


def test_each_strength_is_reached():
    """Brightness scales a dim grey image; saturation, the distance to grey; both by U(0.6, 1.4)."""
    dim = jnp.full((500, 2, 2, 3), 0.4)
    bright = np.asarray(color_jitter(KEY, dim, 0.4, 0.0, 0.0, 0.0))[:, 0, 0, 0] / 0.4
    assert 0.6 <= bright.min() < 0.62 and 1.38 < bright.max() <= 1.4001
    red = jnp.tile(jnp.array([0.6, 0.4, 0.4]), (500, 2, 2, 1))
    spread = np.asarray(color_jitter(KEY, red, 0.0, 0.0, 0.4, 0.0))
    ratio = (spread[:, 0, 0, 0] - spread[:, 0, 0, 1]) / 0.2
    assert 0.6 <= ratio.min() < 0.62 and 1.38 < ratio.max() <= 1.4001


def test_values_stay_in_range_and_images_differ(x):
    for images in (x, x[..., :1]):
        changed = color_jitter(KEY, images, 0.8, 0.8, 0.8, 0.2)
        assert changed.shape == images.shape and float(changed.min()) >= -1e-6 and float(changed.max()) <= 1 + 1e-6
    alike = color_jitter(KEY, jnp.tile(x[:1], (5, 1, 1, 1)))
    assert len(np.unique(np.asarray(alike), axis=0)) == 5


def test_grayscale_makes_channels_alike(x):
    many = jnp.tile(x[:1], (400, 1, 1, 1))
    grey = np.asarray(grayscale(KEY, many, 0.2))
    alike = (grey[..., 0] == grey[..., 2]).all((1, 2))
    assert 50 < alike.sum() < 110  # 80 expected, standard deviation 8
    np.testing.assert_array_equal(grey[~alike], many[~alike])
    np.testing.assert_array_equal(grayscale(KEY, x[..., :1], 1.0), x[..., :1])
