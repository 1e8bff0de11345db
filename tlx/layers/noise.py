"""Noise as a layer."""

import jax
from flax import nnx
from jaxtyping import Array, Float


class GaussianNoise(nnx.Module):
    """y = x + std * eps, eps standard normal, in training; y = x in evaluation. Draws from stream "noise" of `rngs`."""

    def __init__(self, std: float, rngs: nnx.Rngs):
        self.std = std
        self.deterministic = False  # the name that `train()` and `eval()` set
        self.rngs = rngs.noise.fork()

    def __call__(self, x: Float[Array, "batch ..."]) -> Float[Array, "batch ..."]:
        return x if self.deterministic else x + self.std * jax.random.normal(self.rngs(), x.shape, x.dtype)
