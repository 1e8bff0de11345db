"""Linear classifiers on fixed features: penalised logistic regression, and the choice of the penalty."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, Int, PRNGKeyArray

Linear = dict[str, jax.Array]  # "kernel" [width, classes], "bias" [classes]


def linear_logits(params: Linear, x: Float[Array, "batch width"]) -> Float[Array, "batch classes"]:
    """x W + b."""
    return x @ params["kernel"] + params["bias"][None]


def fit_linear(
    key: PRNGKeyArray,
    x: Float[Array, "rows width"],
    y: Int[Array, "rows"],
    classes: int,
    strength: Float[Array, ""] | float,
    *,
    solver: str = "lbfgs",
    iterations: int = 100,
    rate: Float[Array, ""] | float = 0.1,
    batch: int = 256,
) -> Linear:
    """The minimum of mean_i cross-entropy(x_i W + b, y_i) + strength / 2 |W|^2; the bias b has no penalty.

    scikit-learn's LogisticRegression(C) has it at strength = 1 / (C rows). "lbfgs": L-BFGS on all rows, until the
    gradient vanishes or for so many `iterations`. "sgd": so many steps of `batch` rows drawn at random by `key`,
    momentum 0.9, learning rate `rate` along a cosine to 0. The features are centred and divided by one number before,
    which moves no minimum and makes both faster; `rate` is for those.
    """
    strength = jnp.asarray(strength, x.dtype)
    centre = x.mean(0)
    scale = jnp.sqrt(jnp.mean((x - centre[None]) ** 2)) + 1e-12
    z = (x - centre[None]) / scale

    def loss(params: Linear, z: Array, y: Array) -> Array:
        task = optax.softmax_cross_entropy_with_integer_labels(linear_logits(params, z), y).mean()
        return task + 0.5 * strength / scale**2 * jnp.sum(params["kernel"] ** 2)

    params = {"kernel": jnp.zeros((x.shape[1], classes), x.dtype), "bias": jnp.zeros(classes, x.dtype)}
    if solver == "lbfgs":
        found = lbfgs(loss, params, z, y, iterations)
    else:
        found = _sgd(loss, params, z, y, iterations, rate, min(batch, len(x)), key)
    kernel = found["kernel"] / scale
    return {"kernel": kernel, "bias": found["bias"] - centre @ kernel}


def choose_linear(
    key: PRNGKeyArray,
    x: Float[Array, "rows width"],
    y: Int[Array, "rows"],
    classes: int,
    strengths: Sequence[float],
    *,
    held: float = 0.2,
    **how: Any,
) -> tuple[Linear, Float[Array, ""]]:
    """`fit_linear` at that of the strengths which is best on held-out rows, and the strength.

    Every k-th row of each class in random order is held out, k = 1 / held; all strengths are fitted to the others under
    one `vmap`. The accuracy on the held-out rows decides, the larger strength where some are equal. Then all rows are
    fitted. `how` is as for `fit_linear`.
    """
    grid = jnp.sort(jnp.asarray(strengths, x.dtype))
    if len(strengths) == 1:
        return fit_linear(key, x, y, classes, grid[0], **how), grid[0]
    shuffle, first, last = jax.random.split(key, 3)
    x, y = jnp.asarray(x), jnp.asarray(y)
    shuffled = jax.random.permutation(shuffle, len(y))
    order = shuffled[jnp.argsort(y[shuffled], stable=True)]
    every = max(2, round(1 / held))
    out = np.arange(len(y)) % every == every - 1
    tested, trained = order[np.flatnonzero(out)], order[np.flatnonzero(~out)]

    def tried(strength: Array) -> Array:
        params = fit_linear(first, x[trained], y[trained], classes, strength, **how)
        return (linear_logits(params, x[tested]).argmax(-1) == y[tested]).mean()

    accuracy = jax.vmap(tried)(grid)
    best = grid[len(strengths) - 1 - jnp.argmax(accuracy[::-1])]
    return fit_linear(last, x, y, classes, best, **how), best


def lbfgs(loss: Any, params: Any, z: Array, y: Array, iterations: int) -> Any:
    """The minimum over params of loss(params, z, y), until the gradient vanishes or for so many iterations."""

    def value_of(params: Any) -> Array:
        return loss(params, z, y)

    optimizer = optax.lbfgs()
    value_and_grad = optax.value_and_grad_from_state(value_of)

    def unfinished(carry: tuple) -> Array:
        _, _, number, norm = carry
        return (number < iterations) & (norm > 1e-6)

    def one(carry: tuple) -> tuple:
        params, state, number, _ = carry
        value, grad = value_and_grad(params, state=state)
        moves, state = optimizer.update(grad, state, params, value=value, grad=grad, value_fn=value_of)
        return optax.apply_updates(params, moves), state, number + 1, optax.tree.norm(grad)

    start = params, optimizer.init(params), 0, jnp.asarray(jnp.inf, z.dtype)
    return jax.lax.while_loop(unfinished, one, start)[0]


def _sgd(
    loss: Any, params: Linear, z: Array, y: Array, iterations: int, rate: Any, batch: int, key: PRNGKeyArray
) -> Linear:
    optimizer = optax.trace(0.9)

    def one(carry: tuple, number: Array) -> tuple[tuple, None]:
        params, state = carry
        rows = jax.random.randint(jax.random.fold_in(key, number), (batch,), 0, len(y), jnp.int32)
        moves, state = optimizer.update(jax.grad(loss)(params, z[rows], y[rows]), state, params)
        now = jnp.asarray(rate * 0.5 * (1 + jnp.cos(jnp.pi * number.astype(z.dtype) / iterations)), z.dtype)
        return (jax.tree.map(lambda leaf, move: leaf - now * move, params, moves), state), None

    return jax.lax.scan(one, (params, optimizer.init(params)), jnp.arange(iterations))[0][0]
