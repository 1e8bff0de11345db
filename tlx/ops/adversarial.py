"""Adversaries: of domains, by a discriminator, a classifier or a critic; and of inputs, by the worst small change."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, PRNGKeyArray

from tlx.ops.features import row_norms
from tlx.ops.predictions import cross_entropy, kl_consistency

Inputs = Float[Array, "batch *rest"]
Logits = Float[Array, "batch classes"]


def domain_loss(
    source: Float[Array, " n"],
    target: Float[Array, " m"],
    source_weights: Float[Array, " n"] | None = None,
    target_weights: Float[Array, " m"] | None = None,
) -> Float[Array, ""]:
    """-(mean log sigmoid(source) + mean log(1 - sigmoid(target))) / 2: source is 1, target 0, each domain counts half.

    Args:
        source: [n] logits of the discriminator on source rows
        target: [m] on target rows
        source_weights: [n], for a weighted mean; the sum that divides it has no gradient
        target_weights: [m]

    TLLib's CDAN divides by the sum over both domains, so that the domain of the larger weights counts more.

    Ganin et al. 2016, equation 9; weighted, Long et al. 2018, equation 10.
    """
    ones, zeros = jnp.ones_like(source), jnp.zeros_like(target)
    real = _mean(optax.sigmoid_binary_cross_entropy(source, ones), source_weights)
    return (real + _mean(optax.sigmoid_binary_cross_entropy(target, zeros), target_weights)) / 2


def _mean(losses: Float[Array, " n"], weights: Float[Array, " n"] | None) -> Float[Array, ""]:
    if weights is None:
        return losses.mean()
    return jnp.sum(weights * losses) / jax.lax.stop_gradient(weights.sum())


def domain_accuracy(source: Float[Array, " n"], target: Float[Array, " m"]) -> Float[Array, ""]:
    """The share of rows on the right side of 0, each domain counting half: 0.5 where the domains are confused."""
    return (jnp.mean(source > 0) + jnp.mean(target <= 0)) / 2


def confusion_loss(logits: Float[Array, " n"]) -> Float[Array, ""]:
    """-mean (log sigmoid + log(1 - sigmoid)) / 2: the cross-entropy to a discriminator that cannot tell, log 2 at best.

    Tzeng et al. 2015, "Simultaneous Deep Transfer Across Domains and Tasks", equation 4.
    """
    return jnp.mean(jax.nn.softplus(logits) + jax.nn.softplus(-logits)) / 2


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


def multilinear_map(
    features: Float[Array, "batch width"], probabilities: Float[Array, "batch classes"]
) -> Float[Array, "batch width*classes"]:
    """f (x) g of each row, the outer product laid out flat: their joint moments.

    Long et al. 2018, "Conditional Adversarial Domain Adaptation" (CDAN), equation 4.
    """
    return (features[:, :, None] * probabilities[:, None, :]).reshape(features.shape[0], -1)


def random_multilinear_map(
    features: Float[Array, "batch width"],
    probabilities: Float[Array, "batch classes"],
    of_features: Float[Array, "width out"],
    of_probabilities: Float[Array, "classes out"],
) -> Float[Array, "batch out"]:
    """(f R_f) * (g R_g) / sqrt(out), whose inner products estimate those of `multilinear_map`.

    Args:
        of_features, of_probabilities: R_f and R_g, drawn once by `random_maps`

    Long et al. 2018, equation 5.
    """
    return (features @ of_features) * (probabilities @ of_probabilities) / jnp.sqrt(of_features.shape[1])


def random_maps(
    key: PRNGKeyArray, width: int, classes: int, out: int
) -> tuple[Float[Array, "width out"], Float[Array, "classes out"]]:
    """R_f and R_g with independent standard normal entries."""
    first, second = jax.random.split(key)
    return jax.random.normal(first, (width, out)), jax.random.normal(second, (classes, out))


def margin_disparity(
    source: Float[Array, "n classes"],
    source_adversary: Float[Array, "n classes"],
    target: Float[Array, "m classes"],
    target_adversary: Float[Array, "m classes"],
    margin: Float[Array, ""] | float = 4.0,
) -> Float[Array, ""]:
    """What the adversary f' descends: to agree with f on the source and to differ from it on the target.

    -margin mean log p'_y(s) - mean log(1 - p'_y(t)), p' = softmax(f'), y = argmax f, which has no gradient. The
    discrepancy of the domains is the negative of its minimum over f'.

    Args:
        source, target: [n, classes], [m, classes] logits of the classifier f
        source_adversary, target_adversary: of the adversary f'
        margin: gamma = exp(the paper's margin rho)

    TLLib adds 1e-6 within log(1 - p'_y): where p'_y > 1 - 1e-6 its gradient vanishes, and this one is near 1.

    Zhang et al. 2019, "Bridging Theory and Algorithm for Domain Adaptation", equations 29 and 30.
    """
    agree = cross_entropy(source_adversary, jnp.argmax(source, 1))
    taken = jax.nn.one_hot(jnp.argmax(target, 1), target.shape[1], dtype=bool)
    # log(1 - p_y) = log sum_{k != y} exp z_k - log sum_k exp z_k, finite where p_y rounds to 1
    others = jax.nn.logsumexp(jnp.where(taken, -jnp.inf, target_adversary), axis=1)
    differ = jax.nn.logsumexp(target_adversary, axis=1) - others
    return margin * agree + jnp.mean(differ)


def reweighted_rows(
    values: Float[Array, " n"], radius: Float[Array, ""] | float, halvings: int = 40
) -> Float[Array, " n"]:
    """The weights w that minimise sum w_i d_i, with w_i >= 0, sum w = n and sum (w_i - 1)^2 <= radius n.

    w_i = max(0, theta - d_i / tau): theta makes the sum n, and the least tau that the bound allows is found by halving
    log tau between 1e-3 and 1e3 standard deviations of d. Where all d are alike every weight is 1.

    Args:
        values: [n], d
        radius: rho of the paper

    Gu et al. 2021, "Adversarial Reweighting for Partial Domain Adaptation", equation 6.
    """
    n, least = len(values), jnp.min(values)
    spread = jnp.maximum(jnp.std(values), 1e-12)
    d = (values - least) / spread
    ordered = jnp.sort(d)
    count = jnp.arange(1, n + 1, dtype=d.dtype)

    def weights(log_tau: Float[Array, ""]) -> Float[Array, " n"]:
        tau = jnp.exp(log_tau)
        theta = (n + jnp.cumsum(ordered) / tau) / count
        last = jnp.sum(theta > ordered / tau) - 1
        return jnp.maximum(theta[last] - d / tau, 0)

    def once(_: int, ends: tuple[Array, Array]) -> tuple[Array, Array]:
        low, high = ends
        middle = (low + high) / 2
        allowed = jnp.mean((weights(middle) - 1) ** 2) <= radius
        return jnp.where(allowed, low, middle), jnp.where(allowed, middle, high)

    ends = jnp.log(jnp.asarray([1e-3, 1e3], d.dtype))
    return weights(jax.lax.fori_loop(0, halvings, once, (ends[0], ends[1]))[1])


def gradient_penalty(
    critic: Callable[[Float[Array, "n width"]], Float[Array, " n"]], points: Float[Array, "n width"]
) -> Float[Array, ""]:
    """mean_i (|d critic / d x_i| - 1)^2, for a critic that maps each row by itself.

    Gulrajani et al. 2017, "Improved Training of Wasserstein GANs", equation 3.
    """
    slopes = jax.grad(lambda x: critic(x).sum())(points)
    return jnp.mean((row_norms(slopes) - 1) ** 2)


def unit(d: Inputs) -> Inputs:
    """Each row divided by its Euclidean norm."""
    flat = d.reshape(d.shape[0], -1)
    length = jnp.linalg.norm(flat, axis=1, keepdims=True)
    return (flat / jnp.maximum(length, 1e-30)).reshape(d.shape)


def adversarial_direction(
    logits: Callable[[Inputs], Logits], x: Inputs, key: PRNGKeyArray, iterations: int = 1, xi: float = 1e-3
) -> Inputs:
    """The unit direction of each row in which KL(p(x) || p(x + d)) grows fastest, without a gradient.

    By power iteration on the divergence's Hessian at d = 0: d <- unit(grad_d KL(p(x) || p(x + xi d))), from a random d.
    The gradient is of size xi, and in float32 that of a much smaller xi than 0.001 is rounding.

    Miyato et al. 2018, "Virtual Adversarial Training", equations 10 and 12.
    """
    wanted = jax.lax.stop_gradient(logits(x))

    def divergence(d: Inputs) -> Float[Array, ""]:
        return jnp.sum(kl_consistency(logits(x + xi * d), wanted))

    d = unit(jax.random.normal(key, x.shape, x.dtype))
    for _ in range(iterations):
        d = unit(jax.grad(divergence)(d))
    return jax.lax.stop_gradient(d)


def virtual_adversarial_loss(
    logits: Callable[[Inputs], Logits],
    x: Inputs,
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
