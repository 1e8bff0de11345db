import jax
import jax.numpy as jnp
import numpy as np
import pytest


@pytest.fixture(scope="session")
def pictures() -> np.ndarray:
    """Seven uint8 images, 13 x 10 RGB: noise, ramps, few levels, one value, black and white."""
    random = np.random.default_rng(0)
    noise = random.integers(0, 256, (3, 13, 10, 3))
    ramp = np.broadcast_to(np.arange(130).reshape(13, 10, 1) + [0, 60, 120], (13, 10, 3))
    few = random.choice([30, 31, 200], (13, 10, 3))
    flat = np.full((13, 10, 3), 77)
    pure = 255 * random.integers(0, 2, (13, 10, 3))
    return np.stack([*noise, ramp, few, flat, pure]).astype(np.uint8)


@pytest.fixture(scope="session")
def x(pictures) -> jax.Array:
    """The pictures as floats in [0, 1]."""
    return jnp.asarray(pictures, jnp.float32) / 255
