"""Gradient reversal."""

import jax
from jaxtyping import Array, Float


@jax.custom_vjp
def reverse_gradient(x: Float[Array, "..."], coefficient: Float[Array, ""] | float) -> Float[Array, "..."]:
    """The identity forward; backward, the gradient times -coefficient.

    R(x) = x, dR/dx = -coefficient I. Ganin et al. 2016, "Domain-Adversarial Training of Neural Networks".
    """
    return x


def _forward(x, coefficient):
    return x, coefficient


def _backward(coefficient, gradient):
    return -coefficient * gradient, None


reverse_gradient.defvjp(_forward, _backward)
