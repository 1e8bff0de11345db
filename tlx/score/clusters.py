"""What outputs without names are worth: the outputs of new classes, which were learnt without a label.

Shape vocabulary: rows N, classes C, outputs as many.
"""

import numpy as np
from jaxtyping import Float, Int
from scipy.optimize import linear_sum_assignment

Outputs = Float[np.ndarray, "rows classes"]
Truth = Int[np.ndarray, "rows"]


def assigned(logits: Outputs, y: Truth) -> Outputs:
    """The logits with their columns in another order: that in which the most rows are right.

    Each output is given to one class and each class one output, the best of all such assignments (Kuhn 1955). A row
    whose largest logit is not finite is of no output.
    """
    classes, valid = logits.shape[1], np.isfinite(logits.max(axis=1))
    counts = np.zeros((classes, classes), np.int64)
    np.add.at(counts, (y[valid], logits[valid].argmax(axis=1)), 1)
    return logits[:, linear_sum_assignment(counts, maximize=True)[1]]


def cluster_accuracy(logits: Outputs, y: Truth) -> float:
    """The part of rows that are right under the best assignment of outputs to classes; see `assigned`.

    Every output takes part, those of the known classes too: a method that takes new rows for known ones is not helped
    by leaving those out.

    References: Xie et al., "Unsupervised Deep Embedding for Clustering Analysis", ICML 2016; Han et al., ICLR 2020.
    """
    logits = assigned(logits, y)
    return float((np.isfinite(logits.max(axis=1)) & (logits.argmax(axis=1) == y)).mean())
