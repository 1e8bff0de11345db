"""Proxy A-distance: how well a classifier tells the domains apart."""

import numpy as np

from tlx.score import Pair, Transferability


class ADistance(Transferability):
    """Minus the proxy A-distance of source and target, from 0 (the same) to -2 (told apart without error).

    d = 2 (1 - 2 err), err the error of a linear classifier of the domain on the half of the rows that it was not fitted
    to, as the mean of both domains' (their sizes differ). An error above 1/2 counts as 1/2. The classifier is a
    logistic regression on standardised features, the halves are drawn from a fixed seed.

    Reference: Ben-David, Blitzer, Crammer, Pereira, "Analysis of representations for domain adaptation", NIPS 2006.
    """

    needs = "source, target"
    paper = "Ben-David et al. 2006"

    def score(self, pair: Pair) -> float:
        return -2 * (1 - 2 * min(error(*pair.domains), 0.5))


def error(source: np.ndarray, target: np.ndarray) -> float:
    """The balanced error of the domain classifier on held-out rows."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    random = np.random.default_rng(0)
    halves = [np.array_split(random.permutation(len(x)), 2) for x in (source, target)]
    fitted, held = ([x[half[part]] for x, half in zip((source, target), halves, strict=True)] for part in (0, 1))
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=1000, class_weight="balanced"))
    model.fit(np.concatenate(fitted), np.repeat((0, 1), [len(x) for x in fitted]))
    return float(np.mean([(model.predict(x) != domain).mean() for domain, x in enumerate(held)]))
