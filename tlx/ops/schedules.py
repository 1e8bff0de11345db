"""Weights that grow with the progress of a phase, p from 0 to 1."""

import jax.numpy as jnp
from jaxtyping import Array, Float


def dann_ramp(progress: Float[Array, ""], gamma: float = 10.0) -> Float[Array, ""]:
    """2 / (1 + exp(-gamma p)) - 1: from 0 towards 1. Ganin et al. 2016, section 5.2.2."""
    return 2 / (1 + jnp.exp(-gamma * progress)) - 1


def linear_ramp(progress: Float[Array, ""], length: float = 1.0) -> Float[Array, ""]:
    """min(p / length, 1): from 0 to 1 at p = length; with length 0 it is 1 throughout."""
    return jnp.where(progress < length, progress / length, 1)


def sigmoid_ramp(progress: Float[Array, ""], length: float = 1.0) -> Float[Array, ""]:
    """exp(-5 (1 - min(p / length, 1))^2): from 0.007 to 1 at p = length. Tarvainen and Valpola 2017."""
    return jnp.exp(-5 * (1 - linear_ramp(progress, length)) ** 2)


def cosine_warmup(progress: Float[Array, ""]) -> Float[Array, ""]:
    """1/2 - cos(min(pi, 2 pi p)) / 2: from 0 to 1 at half of the way. Berthelot et al. 2022 (AdaMatch), section 3.3."""
    return 0.5 - jnp.cos(jnp.minimum(jnp.pi, 2 * jnp.pi * progress)) / 2
