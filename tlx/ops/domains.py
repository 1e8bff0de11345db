"""Source and target through the network together."""

import jax.numpy as jnp

from tlx.contract import Batch, Features, Model, State


def both_domains(model: Model, state: State, batch: Batch) -> tuple[Features, Features, State]:
    """Features of the source and of the target rows from ONE forward pass, so that batch norm sees both domains.

    As TLLib and CDAN do; two passes give each domain its own statistics, which changes results.
    """
    n = batch.source.x.shape[0]
    features, state = model.features(state, jnp.concatenate([batch.source.x, batch.target.x]))
    return features[:n], features[n:], state
