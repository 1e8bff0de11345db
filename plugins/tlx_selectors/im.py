"""The evaluation whose predictions on the target are each certain and all together diverse."""

import numpy as np
from scipy.special import log_softmax, logsumexp

from tlx.score import Evidence, Selector


class InformationMaximisation(Selector):
    """The evaluation with the highest mutual information of target images and their predicted classes.

    score = H(mean_i p_i) - mean_i H(p_i).

    Reference: Shi and Sha, Information-Theoretical Learning of Discriminative Clusters for Unsupervised Domain
    Adaptation, ICML 2012; as a validator Musgrave et al., Benchmarking Validation Methods for Unsupervised Domain
    Adaptation, 2022.
    """

    def score(self, evidence: Evidence) -> float:
        log_p = log_softmax(evidence.target_logits.astype(np.float64), axis=1)
        log_mean = logsumexp(log_p, axis=0) - np.log(len(log_p))
        return float((np.exp(log_p) * log_p).sum(axis=1).mean() - (np.exp(log_mean) * log_mean).sum())
