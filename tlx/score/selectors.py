"""Model selection: which evaluation of a run is reported."""

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

import numpy as np
from jaxtyping import Float, Int


class Evidence(NamedTuple):
    """What one evaluation of one seed shows to a selector. `progress` is step / total steps.

    `target_y` is None unless the selector declares `uses_target_labels`.
    """

    step: int
    progress: float
    source_logits: Float[np.ndarray, "val classes"]
    source_y: Int[np.ndarray, "val"]
    target_logits: Float[np.ndarray, "test classes"]
    target_y: Int[np.ndarray, "test"] | None


class Selector:
    """Base of selectors: `score` says how good an evaluation looks. Higher is better.

    A selector that reads the target's test labels must say so in `uses_target_labels`: reports mark it. One that reads
    the source rows says so in `needs_source`: a task without a source is not selected by it.
    """

    uses_target_labels: ClassVar[bool] = False
    needs_source: ClassVar[bool] = False

    def score(self, evidence: Evidence) -> float:
        """How good this evaluation looks; NaN is worse than anything."""
        raise NotImplementedError(f"{type(self).__name__} does not define `score`")


def select(selector: Selector, evidence: Sequence[Evidence]) -> int:
    """The index of the evaluation with the highest score; of equal ones the last."""
    seen = evidence if selector.uses_target_labels else [item._replace(target_y=None) for item in evidence]
    values = [float(selector.score(item)) for item in seen]
    return max(range(len(values)), key=lambda index: (-np.inf if np.isnan(values[index]) else values[index], index))
