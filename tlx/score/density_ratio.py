"""How much likelier a row is under the target than under the source, in feature space."""

import numpy as np
from jaxtyping import Float


def density_ratio(
    source: Float[np.ndarray, "source width"],
    target: Float[np.ndarray, "target width"],
    at: Float[np.ndarray, "rows width"],
) -> Float[np.ndarray, "rows"]:
    """w(x) = p_target(x) / p_source(x) = (n_source / n_target) * P(target | x) / P(source | x) at the rows `at`.

    P is a logistic regression of the domain (L2 penalty, C = 1) on features that are centred and then divided by the
    root of their mean squared length, so that the penalty means the same for every network.

    Reference: Bickel et al., Discriminative learning for differing training and test distributions, ICML 2007.
    """
    from sklearn.linear_model import LogisticRegression  # imported here: listings need not wait for it

    both = np.concatenate([source, target]).astype(np.float64)
    centre = both.mean(axis=0)
    length = np.sqrt(((both - centre) ** 2).sum(axis=1).mean()) or 1.0
    domain = np.repeat([0, 1], [len(source), len(target)])
    fitted = LogisticRegression(max_iter=1000).fit((both - centre) / length, domain)
    odds = np.exp(fitted.decision_function((at - centre) / length))
    return len(source) / len(target) * odds
