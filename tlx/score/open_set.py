"""What outputs with a place for the unknown are worth: OS, OS*, UNK, HOS, OSCR, and how the unknown is ranked.

The last output is the unknown's. Its margin, its logit less the largest of the known classes, is above 0 where a row is
taken for unknown, and ranks the rows. Shape vocabulary: rows N, classes K + 1.
"""

from typing import TypedDict

import numpy as np
from jaxtyping import Float, Int

Outputs = Float[np.ndarray, "rows classes"]
Truth = Int[np.ndarray, "rows"]


class OpenMetrics(TypedDict):
    """What `open_scores` gives."""

    os: float | None
    known: float | None
    unknown: float | None
    hos: float | None
    all: float
    oscr: float | None
    auroc: float | None


def open_scores(logits: Outputs, y: Truth) -> OpenMetrics:
    """The metrics of an open-set task; each is None where there is no row that it is of.

    known (OS*) is the mean recall of the known classes that occur, unknown (UNK) the recall of the unknown, os (OS) the
    mean recall of all, hos = 2 known unknown / (known + unknown) (H-score), `all` the share of all rows that are right.
    auroc is the chance that an unknown row has a larger margin of the unknown than a known one; ties count half.

    oscr is the area below the share of known rows that get their class with a margin at most t, over the share of
    unknown rows that have a margin at most t, for all t. A row whose outputs are not finite is of no class, and ranks
    on the wrong side.

    References: Saito et al., ECCV 2018 (OS, OS*); Bucci et al., ECCV 2020 (HOS); Dhamija et al., NeurIPS 2018 (OSCR).
    """
    unknown, valid = logits.shape[1] - 1, np.asarray(np.isfinite(logits).all(axis=1))
    predicted = np.where(valid, np.where(valid[:, None], logits, 0).argmax(axis=1), -1)
    recalls = {int(label): float((predicted[y == label] == label).mean()) for label in np.unique(y)}
    of_known = [value for label, value in recalls.items() if label != unknown]
    known, alien = (float(np.mean(of_known)) if of_known else None), recalls.get(unknown)
    hos = None
    if known is not None and alien is not None:
        hos = 2 * known * alien / (known + alien) if known + alien else 0.0
    ranked = _ranked(logits, y, valid, unknown) if hos is not None else (None, None)
    return {
        "os": float(np.mean(list(recalls.values()))),
        "known": known,
        "unknown": alien,
        "hos": hos,
        "all": float((predicted == y).mean()),
        "oscr": ranked[0],
        "auroc": ranked[1],
    }


def hos(logits: Outputs, y: Truth) -> float:
    """The harmonic mean of OS* and UNK; NaN where the rows have no known class, or no unknown row."""
    found = open_scores(logits, y)["hos"]
    return float("nan") if found is None else found


def _ranked(logits: Outputs, y: Truth, valid: np.ndarray, unknown: int) -> tuple[float, float]:
    """OSCR and AUROC, along the margins from the most known."""
    inside = np.where(valid[:, None], logits, 0).astype(np.float64)
    alien, right = y == unknown, valid & (inside[:, :unknown].argmax(axis=1) == y)
    worst = np.where(alien, -np.inf, np.inf)  # what is not finite is on the wrong side
    margin = np.where(valid, inside[:, unknown] - inside[:, :unknown].max(axis=1), worst)
    _, place = np.unique(margin, return_inverse=True)
    accepted, known, correct = (np.r_[0, np.cumsum(np.bincount(place, mark))] for mark in (alien, ~alien, right))
    rate = accepted / accepted[-1]  # of unknown rows that pass for known
    return float(np.trapezoid(correct / known[-1], rate)), float(np.trapezoid(known / known[-1], rate))
