"""Model selection: which evaluation of a run is reported."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from jaxtyping import Float, Int

from tlx.score.density_ratio import density_ratio


@dataclass(frozen=True, eq=False)
class Sample:
    """Features and outputs of a few rows, the same ones at every evaluation of a run; see `tlx.runs.probe`.

    The target's rows are test images, without their labels: these selectors are transductive. Row i of `mixed_logits`
    is of the image 0.55 a + 0.45 b, where `mixed_rows[i]` are the places of a and b among the target's rows.
    """

    train_features: Float[np.ndarray, "train width"]
    val_features: Float[np.ndarray, "val width"]
    val_logits: Float[np.ndarray, "val outputs"]
    val_y: Int[np.ndarray, "val"] | Float[np.ndarray, "val outputs"]
    target_features: Float[np.ndarray, "target width"]
    target_logits: Float[np.ndarray, "target classes"]
    mixed_logits: Float[np.ndarray, "mixed classes"]
    mixed_rows: Int[np.ndarray, "mixed 2"]

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
        """The 0-1 loss of each validation row: whether it is classified wrongly. Of real targets, the squared error."""
        if self.val_y.ndim == 2:
            return ((self.val_logits.astype(np.float64) - self.val_y) ** 2).mean(axis=1)
        return (self.val_logits.argmax(axis=1) != self.val_y).astype(np.float64)


@dataclass(frozen=True, eq=False)
class Evidence:
    """What one evaluation of one seed shows to a selector. `progress` is step / total steps.

    With the `target_kind` "real" logits are the outputs [N, K], and labels real numbers [N, K].
    `scored_kind` is the kind that `main_score` knows the target's rows by where it is another: "unknown" where their
    last class is that, "new" where they are new classes without labels.
    `target_y` is None unless the selector declares `uses_target_labels`, and `sample` may be unless it declares
    `uses_features`.
    """

    step: int
    progress: float
    source_logits: Float[np.ndarray, "val classes"]
    source_y: Int[np.ndarray, "val"] | Float[np.ndarray, "val reals"]
    target_logits: Float[np.ndarray, "test classes"]
    target_y: Int[np.ndarray, "test"] | Float[np.ndarray, "test reals"] | None
    sample: Sample | None = None
    target_kind: str = "classes"
    scored_kind: str = ""


class Selector:
    """Base of selectors: `score` says how good an evaluation looks. Higher is better.

    A selector that reads the target's test labels must say so in `uses_target_labels`: reports mark it. One that reads
    `evidence.sample` says so in `uses_features`; it is not asked about an evaluation whose sample is not finite. One
    that reads the source rows says so in `needs_source`: a task without a source is not selected by it, nor by one that
    uses features. `targets` are the kinds of target that it is for, "classes" and "real"; a selector of classes is not
    asked about a task with real targets.
    """

    uses_target_labels: ClassVar[bool] = False
    uses_features: ClassVar[bool] = False
    needs_source: ClassVar[bool] = False
    targets: ClassVar[tuple[str, ...]] = ("classes",)

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
