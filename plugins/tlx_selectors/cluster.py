"""The evaluation whose target classes, as predicted, are the best clusters of the features."""

import numpy as np

from tlx.score import Evidence, Selector


class ClassCluster(Selector):
    """The evaluation with the highest silhouette of the target's features under its predicted classes.

    score = mean_i (b_i - a_i) / max(a_i, b_i): a_i is the mean distance to rows of its class, b_i to those of the
    nearest other class, between unit vectors. One that predicts a single class has no score.

    On a few hundred rows. Reference: Rousseeuw, Silhouettes, 1987; as a validator Musgrave et al., Benchmarking
    Validation Methods for Unsupervised Domain Adaptation, 2022, who compare it with the Calinski-Harabasz index.
    """

    uses_features = True

    def score(self, evidence: Evidence) -> float:
        from sklearn.metrics import silhouette_score

        assert evidence.sample
        features = evidence.sample.target_features.astype(np.float64)
        classes = evidence.sample.target_logits.argmax(axis=1)
        if not 1 < len(np.unique(classes)) < len(classes):
            return np.nan
        lengths = np.linalg.norm(features, axis=1, keepdims=True)
        return float(silhouette_score(features / np.where(lengths > 0, lengths, 1), classes))
