"""Central moment discrepancy: the features of both domains get the same mean and the same central moments."""

import jax.numpy as jnp

from tlx import Features, Scalar, Strategy, strategy


def central_moments(source: Features, target: Features, order: int) -> Scalar:
    """The distance between the moments of two samples with features in [0, 1].

    cmd = |E s - E t| + sum over k = 2..order of |E (s - E s)^k - E (t - E t)^k|, Euclidean norms over the features.

    Args:
        source: [B, width]
        target: [B', width]
        order: the highest moment, 1 or more

    Reference: Zellinger et al., "Central Moment Discrepancy for Domain-Invariant Representation Learning", ICLR 2017.
    """
    mean_s, mean_t = source.mean(0, keepdims=True), target.mean(0, keepdims=True)
    gaps = [mean_s - mean_t]
    gaps += [((source - mean_s) ** k).mean(0) - ((target - mean_t) ** k).mean(0) for k in range(2, order + 1)]
    return sum((jnp.sqrt(jnp.sum(gap**2) + 1e-12) for gap in gaps), jnp.zeros(()))


@strategy
class Moments(Strategy):
    """Matches the central moments of the features of source and target.

    loss = cross-entropy(source) + weight * cmd(sigmoid f(source), sigmoid f(target))
    """

    setting = "unsupervised"
    paper = "Zellinger et al. 2017"

    weight: float = 1.0
    order: int = 5

    def loss(self, model, state, batch, context):
        source, state = model.features(state, batch.source.x)
        target, state = model.features(state, batch.target.x)
        logits, state = model.classify(state, source)
        task = model.task_loss(logits, batch.source.y)
        gap = central_moments(1 / (1 + jnp.exp(-source)), 1 / (1 + jnp.exp(-target)), self.order)
        return task + self.weight * gap, state, {"task": task, "gap": gap}
