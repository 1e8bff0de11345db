"""Adaptive batch normalisation."""

import jax
import jax.numpy as jnp

from tlx import ContractError, Phase, Strategy, strategy
from tlx.blocks import supervised


@strategy
class AdaBN(Strategy):
    """Trains on the source, then replaces the batch-norm statistics by those of the target; no parameter moves.

    Phase 2: running statistics = the mean over target batches of each batch's own

    A batch's variance is the biased one; PyTorch's running variance is n / (n - 1) times that, n the rows of a batch,
    which counts for small ones: 3% at 32 rows, 33% at 4.

    Settings: `share` of the steps in phase 2, which only go forward.

    Reference: Li et al., "Revisiting Batch Normalization For Practical Domain Adaptation", ICLR workshops 2017.
    """

    setting = "source-free"
    paper = "Li et al. 2017"
    targets = ("classes", "real")

    share: float = 0.1

    def phases(self, model):
        def begin(state, context):
            if not any(map(_is_float, jax.tree.leaves(state.stats["features"]))):
                raise ContractError(
                    "strategy AdaBN: the backbone has no batch-norm statistics, so there is no adapting"
                )
            return state.put(batches=jnp.zeros(()))

        def measure(state, batch, context):
            # running <- m running + (1 - m) batch, whatever m: from 0 and from 1 the two give the batch's own
            _, from_0 = model.features(_filled(state, 0.0), batch.target.x)
            _, from_1 = model.features(_filled(state, 1.0), batch.target.x)
            seen = state.extra["batches"]

            def mean(old, zero, one):
                return (seen * old + zero / (1 - (one - zero))) / (seen + 1) if _is_float(old) else zero

            after = jax.tree.map(mean, *(each.stats["features"] for each in (state, from_0, from_1)))
            return state.put_stats(features=after).put(batches=seen + 1)

        adapt = Phase(name="adapt", share=self.share, sees=frozenset({"target"}), begin=begin, after=measure)
        return supervised(model, name="source", share=1 - self.share), adapt


def _is_float(leaf) -> bool:
    return jnp.issubdtype(leaf.dtype, jnp.floating)


def _filled(state, value):
    def fill(leaf):
        return jnp.full_like(leaf, value) if _is_float(leaf) else leaf

    return state.put_stats(features=jax.tree.map(fill, state.stats["features"]))
