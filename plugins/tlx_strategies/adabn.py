"""Adaptive batch normalisation."""

import jax.numpy as jnp

from tlx import Phase, Strategy, strategy
from tlx.blocks import by_moved, check_statistics, supervised


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
            check_statistics(state)
            return state.put(batches=jnp.zeros(()))

        def measure(state, batch, context):
            seen = state.extra["batches"] + 1
            _, state = by_moved(model, state, batch.target.x, 1 / seen, running=0.0)
            return state.put(batches=seen)

        adapt = Phase(name="adapt", share=self.share, sees=frozenset({"target"}), begin=begin, after=measure)
        return supervised(model, name="source", share=1 - self.share), adapt
