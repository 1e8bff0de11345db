"""Trees of parameters: averaged over time, held near where they began, changed at low rank."""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from tlx.ops.paths import path_of


def ema(average: Any, new: Any, decay: Any) -> Any:
    """decay average + (1 - decay) new, leaf by leaf. Tarvainen and Valpola 2017, "Mean teachers"."""
    return jax.tree.map(lambda a, b: decay * a + (1 - decay) * b, average, new)


def weighted_distance(params: Any, origin: Any = None, weights: Any = None) -> Float[Array, ""]:
    """sum_k F_k (w_k - w_k^0)^2 over all leaves; F = 1 where no `weights` are given, w^0 = 0 without an `origin`.

    Kirkpatrick et al. 2017, "Overcoming catastrophic forgetting in neural networks", with F the Fisher information; Li
    et al. 2018, "Explicit Inductive Bias for Transfer Learning" (L2-SP), without.
    """
    away = params if origin is None else jax.tree.map(jnp.subtract, params, origin)
    gaps = jax.tree.map(jnp.square, away)
    weighed = gaps if weights is None else jax.tree.map(jnp.multiply, gaps, weights)
    return jnp.asarray(sum((leaf.sum() for leaf in jax.tree.leaves(weighed)), 0.0))


def restored(key: PRNGKeyArray, params: Any, origin: Any, probability: float | Float[Array, ""]) -> Any:
    """Each number of `params` is the one of `origin` with this probability. Wang et al. 2022 (CoTTA), equation 8."""
    leaves, treedef = jax.tree.flatten(params)
    keys = treedef.unflatten(list(jax.random.split(key, len(leaves))))

    def one(key, now, then):
        return jnp.where(jax.random.bernoulli(key, probability, now.shape), then, now)

    return jax.tree.map(one, keys, params, origin)


def lora_init(key: PRNGKeyArray, params: Any, rank: int) -> dict[str, dict[str, jax.Array]]:
    """{path: {"a" [inputs, r] normal of variance 1 / inputs, "b" [r, outputs] zero}} for every leaf named "kernel".

    A kernel's last axis is its outputs, all others together its inputs; r is `rank`, or fewer where a side is shorter.

    Hu et al. 2022, "LoRA: Low-Rank Adaptation of Large Language Models".
    """
    factors = {}
    for number, (path, leaf) in enumerate(jax.tree_util.tree_leaves_with_path(params)):
        if not path_of(path).endswith("kernel") or leaf.ndim < 2:
            continue
        inputs, outputs = leaf.size // leaf.shape[-1], leaf.shape[-1]
        r = min(rank, inputs, outputs)
        a = jax.random.normal(jax.random.fold_in(key, number), (inputs, r), leaf.dtype) / jnp.sqrt(inputs)
        factors[path_of(path)] = {"a": a, "b": jnp.zeros((r, outputs), leaf.dtype)}
    return factors


def lora_merge(params: Any, factors: dict[str, dict[str, jax.Array]], scale: Any) -> Any:
    """`params` with W + scale A B in the place of each kernel that has factors; the others as they are."""

    def merged(path: tuple, leaf: jax.Array) -> jax.Array:
        pair = factors.get(path_of(path))
        return leaf if pair is None else leaf + scale * (pair["a"] @ pair["b"]).reshape(leaf.shape)

    return jax.tree_util.tree_map_with_path(merged, params)
