"""A small network as pure functions: discriminators, critics, bottlenecks."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray


def mlp_init(key: PRNGKeyArray, sizes: Sequence[int], normalised: bool = False) -> dict[str, Any]:
    """Parameters of the layers sizes[0] -> ... -> sizes[-1]: LeCun-normal kernels, zero biases.

    `normalised` adds a scale and a shift for batch norm after every layer but the last.
    """
    params = {}
    for i, (fan_in, out) in enumerate(zip(sizes[:-1], sizes[1:], strict=True)):
        kernel = jax.nn.initializers.lecun_normal()(jax.random.fold_in(key, i), (fan_in, out), jnp.float32)
        params[f"layer{i}"] = {"kernel": kernel, "bias": jnp.zeros(out)}
        if normalised and i < len(sizes) - 2:
            params[f"layer{i}"] |= {"scale": jnp.ones(out), "shift": jnp.zeros(out)}
    return params


def mlp_apply(params: dict[str, Any], x: Float[Array, "batch in"]) -> Float[Array, "batch out"]:
    """The network on a batch: linear, batch norm (by this batch's statistics) where there is one, ReLU between."""
    for i in range(len(params)):
        layer = params[f"layer{i}"]
        x = x @ layer["kernel"] + layer["bias"]
        if "scale" in layer:
            x = layer["scale"] * (x - x.mean(0)) * jax.lax.rsqrt(x.var(0) + 1e-5) + layer["shift"]
        x = jax.nn.relu(x) if i < len(params) - 1 else x
    return x
