"""Rows of inputs, which are one array or a tree of arrays with the same leading axis."""

import jax
import jax.numpy as jnp

from tlx.contract import Inputs


def concatenate(*rows: Inputs) -> Inputs:
    """The rows of all, one after another, for one forward pass."""
    return jax.tree.map(lambda *leaves: jnp.concatenate(leaves), *rows)


def count(x: Inputs) -> int:
    """The number of rows."""
    return len(jax.tree.leaves(x)[0])
