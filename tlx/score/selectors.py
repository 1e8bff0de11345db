"""Model selection: which evaluation of a run is reported."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from jaxtyping import Float, Int

from tlx.score.density_ratio import density_ratio

Features = Float[np.ndarray, "rows width"]
Logits = Float[np.ndarray, "rows classes"]


@dataclass(frozen=True, eq=False)
class Sample:
    """Features and logits of a few rows, the same ones at every evaluation of a run; see `tlx.runs.probe`.

    The target's rows are test images, without their labels: these selectors are transductive. Row i of `mixed_logits`
    is of the image 0.55 a + 0.45 b, where `mixed_rows[i]` are the places of a and b among the target's rows.
    """

    train_features: Features
    val_features: Features
    val_logits: Logits
    val_y: Int[np.ndarray, "rows"]
    target_features: Features
    target_logits: Logits
    mixed_logits: Logits
    mixed_rows: Int[np.ndarray, "rows 2"]

    @property
    def finite(self) -> bool:
        """Whether all is: a run that diverged has features that are not."""
        return all(bool(np.isfinite(value).all()) for value in vars(self).values() if isinstance(value, np.ndarray))

    @functools.cached_property
    def weights(self) -> Float[np.ndarray, "rows"]:
        """The density ratio target / source at each validation row; see `tlx.score.density_ratio`."""
        return density_ratio(self.train_features, self.target_features, self.val_features)

    @functools.cached_property
    def val_losses(self) -> Float[np.ndarray, "rows"]:
        """Whether each validation row is classified wrongly: the 0-1 loss."""
        return (self.val_logits.argmax(axis=1) != self.val_y).astype(np.float64)


@dataclass(frozen=True, eq=False)
class Evidence:
    """What one evaluation of one seed shows to a selector. `progress` is step / total steps.

    `target_y` is None unless the selector declares `uses_target_labels`, and `sample` may be unless it declares
    `uses_features`.
    """

    step: int
    progress: float
    source_logits: Float[np.ndarray, "val classes"]
    source_y: Int[np.ndarray, "val"]
    target_logits: Float[np.ndarray, "test classes"]
    target_y: Int[np.ndarray, "test"] | None
    sample: Sample | None = None


class Selector:
    """Base of selectors: `score` says how good an evaluation looks. Higher is better.

    A selector that reads the target's test labels must say so in `uses_target_labels`: reports mark it. One that reads
    `evidence.sample` says so in `uses_features`; it is not asked about an evaluation whose sample is not finite. One
    that reads the source rows says so in `needs_source`: a task without a source is not selected by it, nor by one that
    uses features.
    """

    uses_target_labels: ClassVar[bool] = False
    uses_features: ClassVar[bool] = False
    needs_source: ClassVar[bool] = False

    def score(self, evidence: Evidence) -> float:
        """How good this evaluation looks; NaN is worse than anything."""
        raise NotImplementedError(f"{type(self).__name__} does not define `score`")


def judge(selector: Selector, evidence: Sequence[Evidence]) -> list[float]:
    """The selector's score of each evaluation; NaN where its sample is not finite."""
    seen = evidence if selector.uses_target_labels else [replace(item, target_y=None) for item in evidence]
    with np.errstate(all="ignore"):  # logits of a run that diverged
        return [
            np.nan
            if selector.uses_features and not (item.sample and item.sample.finite)
            else float(selector.score(item))
            for item in seen
        ]


def pick(values: Sequence[float]) -> int:
    """The index of the highest score; of equal ones the last."""
    return max(range(len(values)), key=lambda index: (-np.inf if np.isnan(values[index]) else values[index], index))


def select(selector: Selector, evidence: Sequence[Evidence]) -> int:
    """The index of the evaluation with the highest score; of equal ones the last."""
    return pick(judge(selector, evidence))
