"""Higher-order moment matching."""

import jax

from tlx import Additive, strategy
from tlx.ops import moment_distance


@strategy
class HoMM(Additive):
    """Aligns the third-order moments of the features, over random triples of them (higher-order moment matching).

    loss = cross-entropy(source) + weight * mean_{ijk} (E_s[f_i f_j f_k] - E_t[f_i f_j f_k])^2

    The authors' code centres each batch first, so that its moments are central ones; the paper's, and these, are raw.
    Of features after a ReLU the raw third moment is mostly that of the mean.

    Settings: `weight` 1 (the paper searches it); `order` 3; `samples`, how many tuples are drawn at each step. The
    paper's clustering term on the target is left out.

    Reference: Chen et al., "HoMM: Higher-order Moment Matching for Unsupervised Domain Adaptation", AAAI 2020.
    """

    paper = "Chen et al. 2020"
    targets = ("classes", "real")

    weight: float = 1.0
    order: int = 3
    samples: int = 5000

    def transfer(self, model, state, outputs, batch, context):
        indices = jax.random.randint(context.key, (self.samples, self.order), 0, model.width)
        gap = moment_distance(outputs.source, outputs.target, indices)
        return self.weight * gap, state, {"homm": gap}
