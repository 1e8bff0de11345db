"""Transferability scores: how well a backbone or a source domain will transfer, said before any training.

Shape vocabulary: target rows N, source rows M, width D of the features, target classes C, source classes K.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Float

from tlx.errors import DataError

Features = Float[np.ndarray, "rows width"]


@dataclass(frozen=True, eq=False)
class Pair:
    """Features by one backbone of labelled target rows and, where a source domain is compared, of labelled source rows.

    Raises:
        DataError: shapes that do not fit, features that are not finite, or fewer than two classes in the target.
    """

    target: np.ndarray  # [N, D]; the shapes are checked below, with a message that says what is expected
    target_y: np.ndarray  # [N]
    source: np.ndarray | None = None
    source_y: np.ndarray | None = None

    def __post_init__(self):
        for name, x, y in (("target", self.target, self.target_y), ("source", self.source, self.source_y)):
            if x is None and y is None and name == "source":
                continue
            if x is None or y is None or x.ndim != 2 or y.shape != x.shape[:1] or not x.size:
                got = " and ".join("absent" if part is None else str(part.shape) for part in (x, y))
                raise DataError(f"Transferability, {name}: features and labels are {got}; expected [N, D] and [N].")
            if y.dtype.kind not in "iu":
                raise DataError(f"Transferability, {name}: labels are {y.dtype}; expected whole numbers of classes.")
            if not np.isfinite(x).all():
                raise DataError(f"Transferability, {name}: features are not finite.")
            if len(np.unique(y)) < 2:
                raise DataError(f"Transferability, {name}: all rows are of one class; expected two or more.")
        if self.source is not None and self.source.shape[1] != self.target.shape[1]:
            widths = f"{self.source.shape[1]} and {self.target.shape[1]}"
            raise DataError(f"Transferability: features are {widths} wide; expected those of one backbone.")

    @property
    def domains(self) -> tuple[Float[np.ndarray, "target width"], Float[np.ndarray, "source width"]]:
        """Source and target features. Raises DataError without a source."""
        if self.source is None:
            raise DataError("This transferability score compares domains; expected a source.")
        return self.source, self.target

    @cached_property
    def probabilities(self) -> Float[np.ndarray, "rows classes"]:
        """What a source model says of the target rows, [N, K]: softmax regression on the standardised source features.

        Raises:
            DataError: there is no source.
        """
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        source, target = self.domains
        model = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=200))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a fit that has not converged: a ranking need not be the optimum
            return model.fit(source, self.source_y).predict_proba(target)


class Transferability:
    """Base of transferability scores. Higher means more transferable: a distance is given with its sign turned.

    `needs` is "target" for a score of a backbone, "source, target" for one that compares domains, which
    `Pair.source` then holds.
    """

    needs: ClassVar[str] = "target"
    paper: ClassVar[str] = ""

    def score(self, pair: Pair) -> float:
        """How transferable it looks."""
        raise NotImplementedError(f"{type(self).__name__} does not define `score`")


def weighted_kendall(scores: Sequence[float], accuracies: Sequence[float]) -> float | None:
    """The weighted Kendall rank correlation of scores with the accuracies obtained, from -1 to 1.

    A discordance among the best choices weighs more: pairs weigh 1/(r+1) + 1/(s+1), r and s their ranks from 0, in
    the mean over the rankings by score and by accuracy. None for fewer than two choices, or where all are equal in one.

    Reference: Vigna, "A weighted correlation index for rankings with ties", WWW 2015; used so by LogME.
    """
    from scipy.stats import weightedtau

    if len(scores) < 2 or len(set(scores)) < 2 or len(set(accuracies)) < 2:
        return None
    found: Any = weightedtau(np.asarray(scores, float), np.asarray(accuracies, float))
    return float(found.statistic)
