import jax
import pytest


@pytest.fixture(autouse=True)
def double_precision():
    """Losses are compared with their references in float64; a test of float32 asks for it by dtype."""
    with jax.enable_x64(True):
        yield
