import jax
import numpy as np
import pytest
from flax import nnx

from tlx import Protocol, WeightsError
from tlx.engine import extract as module
from tlx.engine.extract import extractor


class Linear(nnx.Module):
    def __init__(self, shape, rngs):
        self.width = 3
        self.fc = nnx.Linear(shape[0] * shape[1] * shape[2], 3, rngs=rngs)
        self.drop = nnx.Dropout(0.5, rngs=rngs)

    def __call__(self, x):
        return self.drop(self.fc(x.reshape(x.shape[0], -1)))


SHOWN = Protocol("x", "", size=2, channels=1, mean=0.25, std=0.5)


def test_features_are_those_of_the_weights_in_evaluation_mode(monkeypatch):
    monkeypatch.setattr(module, "BATCH", 4)
    random = np.random.default_rng(0)
    x = random.integers(0, 256, (10, 2, 2, 1), np.uint8)
    tensors = {"fc/kernel": random.normal(size=(4, 3)).astype(np.float32), "fc/bias": np.ones(3, np.float32)}
    expected = ((x / 255 - 0.25) / 0.5).reshape(10, 4) @ tensors["fc/kernel"] + 1
    np.testing.assert_allclose(extractor(Linear, SHOWN, tensors)(x), expected, rtol=1e-5, atol=1e-5)


def test_images_are_scaled_as_the_protocol_says():
    x = np.random.default_rng(0).integers(0, 256, (10, 2, 2, 1), np.uint8)
    tensors = {"fc/kernel": np.eye(16, 3, dtype=np.float32), "fc/bias": np.zeros(3, np.float32)}
    shown = Protocol("x", "", size=2, channels=1, mean=0.25, std=0.5, resize=4)
    scaled = jax.image.resize((x / np.float32(255) - 0.25) / 0.5, (10, 4, 4, 1), "bilinear")
    np.testing.assert_allclose(extractor(Linear, shown, tensors)(x), scaled.reshape(10, 16)[:, :3], atol=1e-5)


def test_weights_of_another_width():
    with pytest.raises(WeightsError, match="fc/kernel"):
        extractor(Linear, SHOWN, {"fc/kernel": np.ones((5, 3), np.float32), "fc/bias": np.ones(3, np.float32)})(
            np.zeros((1, 2, 2, 1), np.uint8)
        )
