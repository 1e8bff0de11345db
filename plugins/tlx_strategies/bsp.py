"""Batch spectral penalisation."""

from tlx import Additive, strategy
from tlx.ops import spectral_penalty


@strategy
class BSP(Additive):
    """Shortens the largest singular values of both domains' features, in which an adversary puts what it aligns.

    loss = cross-entropy(source) + weight * sum_{i <= count} (sigma_i(F_s)^2 + sigma_i(F_t)^2), F [B, width] features

    The paper adds it to an adversary, so that the other directions keep what tells classes apart: "dann+bsp",
    "cdan+bsp". Alone, nothing aligns the domains.

    Settings: `weight` 1e-4; `count` 1.

    Reference: Chen et al., "Transferability vs. Discriminability: Batch Spectral Penalization for Adversarial Domain
    Adaptation", ICML 2019.
    """

    paper = "Chen et al. 2019"
    targets = ("classes", "real")

    weight: float = 1e-4
    count: int = 1

    def transfer(self, model, state, outputs, batch, context):
        penalty = spectral_penalty(outputs.source, self.count) + spectral_penalty(outputs.target, self.count)
        return self.weight * penalty, state, {"penalty": penalty}
