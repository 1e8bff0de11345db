"""Virtual adversarial perturbations."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from tlx.ops.classification import kl_consistency

Images = Float[Array, "batch *rest"]
Logits = Float[Array, "batch classes"]


def unit(d: Images) -> Images:
    """Each row divided by its Euclidean norm."""
    flat = d.reshape(d.shape[0], -1)
    length = jnp.linalg.norm(flat, axis=1, keepdims=True)
    return (flat / jnp.maximum(length, 1e-30)).reshape(d.shape)


def adversarial_direction(
    logits: Callable[[Images], Logits], x: Images, key: PRNGKeyArray, iterations: int = 1, xi: float = 1e-3
) -> Images:
    """The unit direction of each row in which KL(p(x) || p(x + d)) grows fastest, without a gradient.

    By power iteration on the divergence's Hessian at d = 0: d <- unit(grad_d KL(p(x) || p(x + xi d))), from a random d.
    The gradient is of size xi, and in float32 that of a much smaller xi than 0.001 is rounding.

    Miyato et al. 2018, "Virtual Adversarial Training", equations 10 and 12.
    """
    wanted = jax.lax.stop_gradient(logits(x))

    def divergence(d: Images) -> Float[Array, ""]:
        return jnp.sum(kl_consistency(logits(x + xi * d), wanted))

    d = unit(jax.random.normal(key, x.shape, x.dtype))
    for _ in range(iterations):
        d = unit(jax.grad(divergence)(d))
    return jax.lax.stop_gradient(d)


def virtual_adversarial_loss(
    logits: Callable[[Images], Logits],
    x: Images,
    key: PRNGKeyArray,
    radius: float | Float[Array, ""],
    iterations: int = 1,
    xi: float = 1e-3,
) -> Float[Array, ""]:
    """The mean of KL(p(x) || p(x + r)), r the adversarial direction times `radius`; p(x) is held fixed.

    Args:
        logits: [B, ...] -> [B, classes]
        x: [B, ...]
        key: of the random start
        radius: the length of r, in units of x
        iterations: of the power iteration
        xi: its step

    Miyato et al. 2018, "Virtual Adversarial Training", equations 7 and 8.
    """
    r = radius * adversarial_direction(logits, x, key, iterations, xi)
    return jnp.mean(kl_consistency(logits(x + r), jax.lax.stop_gradient(logits(x))))
