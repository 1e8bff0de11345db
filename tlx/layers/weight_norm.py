"""A linear layer whose weights' directions and lengths are learnt apart."""

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float


class WeightNormLinear(nnx.Module):
    """y = x W + b, W[:, o] = g[o] V[:, o] / |V[:, o]|; g starts at |V|, so that W starts at V. Never normalises x.

    V and b start uniform in +-1/sqrt(in), as a linear layer of PyTorch.

    Reference: Salimans & Kingma, "Weight Normalization", NeurIPS 2016.
    """

    def __init__(self, fan_in: int, out: int, rngs: nnx.Rngs):
        bound = fan_in**-0.5
        direction = jax.random.uniform(rngs.params(), (fan_in, out), jnp.float32, -bound, bound)
        self.direction = nnx.Param(direction)
        self.scale = nnx.Param(jnp.linalg.norm(direction, axis=0))
        self.bias = nnx.Param(jax.random.uniform(rngs.params(), (out,), jnp.float32, -bound, bound))

    def __call__(self, x: Float[Array, "batch in"]) -> Float[Array, "batch out"]:
        direction = self.direction[...]
        return x @ (direction * (self.scale[...] / jnp.linalg.norm(direction, axis=0))[None]) + self.bias[None]
