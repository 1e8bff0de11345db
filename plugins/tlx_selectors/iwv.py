"""Source validation, each row weighted by how likely it is under the target."""

import numpy as np

from tlx.score import Evidence, Selector


class ImportanceWeighted(Selector):
    """The evaluation with the lowest importance-weighted error on held-out source images.

    score = -mean_i w(x_i) [prediction_i is wrong], w the density ratio target / source in the features. With real
    targets the squared error takes the place of [...].

    On a few hundred rows, not all. Reference: Sugiyama et al., Covariate shift adaptation by importance weighted cross
    validation, JMLR 2007.
    """

    uses_features = True
    targets = ("classes", "real")

    def score(self, evidence: Evidence) -> float:
        assert evidence.sample
        return -float(np.mean(evidence.sample.weights * evidence.sample.val_losses))
