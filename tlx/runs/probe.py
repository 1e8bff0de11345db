"""The rows of a task whose features selectors and embeddings are made from: few, and the same at every evaluation."""

from typing import Any, NamedTuple

import numpy as np

from tlx.data import TaskData
from tlx.score.selectors import Sample

ROWS = 200  # of each group; a logistic regression on their features takes some hundredths of a second
SHARE = 0.55  # of the first image in a mixed one, as MixVal's authors have it


class Chosen(NamedTuple):
    """`images` are uint8, by group: "train" and "val" of the source, "target" (test), and "mixed" of the latter.

    `val` and `target` are row numbers; `mixed` [rows, 2] are places among the target's rows.
    """

    images: dict[str, np.ndarray]
    val: np.ndarray
    target: np.ndarray
    mixed: np.ndarray


def choose(data: TaskData, most: int) -> Chosen:
    """At most `most` and `ROWS` rows of each group, by a fixed seed: the same for every strategy and seed of a task."""
    random = np.random.default_rng(0)

    def rows(count: int) -> np.ndarray:
        return np.sort(random.choice(count, min(count, most, ROWS), replace=False))

    train, val, target = rows(len(data.source.x)), rows(len(data.source_val.x)), rows(len(data.test_x))
    order = random.permutation(len(target))
    mixed = np.stack([order, np.roll(order, 1)], axis=1)
    shown = np.asarray(data.test_x[target])
    pairs = shown[mixed].astype(np.float32)
    blend = (SHARE * pairs[:, 0] + (1 - SHARE) * pairs[:, 1]).round().astype(np.uint8)
    images = {"train": np.asarray(data.source.x[train]), "val": np.asarray(data.source_val.x[val])}
    return Chosen({**images, "target": shown, "mixed": blend}, val, target, mixed)


def sample_of(observed: dict[str, Any], seed: int, chosen: Chosen, data: TaskData) -> Sample:
    """What one evaluation of one seed made of the chosen rows."""
    return Sample(
        train_features=observed["train"].features[seed],
        val_features=observed["val"].features[seed],
        val_logits=observed["val"].logits[seed],
        val_y=data.source_val.y[chosen.val],
        target_features=observed["target"].features[seed],
        target_logits=observed["target"].logits[seed],
        mixed_logits=observed["mixed"].logits[seed],
        mixed_rows=chosen.mixed,
    )
