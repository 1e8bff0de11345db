"""Low-rank changes of kernels. Hu et al. 2022, "LoRA: Low-Rank Adaptation of Large Language Models"."""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import PRNGKeyArray

from tlx.ops.paths import path_of


def lora_init(key: PRNGKeyArray, params: Any, rank: int) -> dict[str, dict[str, jax.Array]]:
    """{path: {"a" [inputs, r] normal of variance 1 / inputs, "b" [r, outputs] zero}} for every leaf named "kernel".

    A kernel's last axis is its outputs, all others together its inputs; r is `rank`, or fewer where a side is shorter.
    """
    factors = {}
    for number, (path, leaf) in enumerate(jax.tree_util.tree_leaves_with_path(params)):
        if not path_of(path).endswith("kernel") or leaf.ndim < 2:
            continue
        inputs, outputs = leaf.size // leaf.shape[-1], leaf.shape[-1]
        r = min(rank, inputs, outputs)
        a = jax.random.normal(jax.random.fold_in(key, number), (inputs, r)) / jnp.sqrt(inputs)
        factors[path_of(path)] = {"a": a, "b": jnp.zeros((r, outputs))}
    return factors


def lora_merge(params: Any, factors: dict[str, dict[str, jax.Array]], scale: Any) -> Any:
    """`params` with W + scale A B in the place of each kernel that has factors; the others as they are."""

    def merged(path: tuple, leaf: jax.Array) -> jax.Array:
        pair = factors.get(path_of(path))
        return leaf if pair is None else leaf + scale * (pair["a"] @ pair["b"]).reshape(leaf.shape)

    return jax.tree_util.tree_map_with_path(merged, params)
