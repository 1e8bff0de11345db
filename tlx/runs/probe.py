"""The rows of a task whose features selectors and embeddings are made from: few, and the same at every evaluation."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from jaxtyping import Int

from tlx.data import TaskData
from tlx.data.tree import map_leaves, take
from tlx.score.selectors import Sample

if TYPE_CHECKING:
    from tlx.engine.programs import Observed

ROWS = 200  # of each group; a logistic regression on their features takes some hundredths of a second
SHARE = 0.55  # of the first row in a mixed one, as MixVal's authors have it

Places = Int[np.ndarray, "rows"]


class Probe(NamedTuple):
    """`x` are rows by group: "train" and "val" of the source, "target" (test), and "mixed" of the latter.

    `val` and `target` are row numbers; `mixed` [rows, 2] are places among the target's rows.
    """

    x: dict[str, Any]
    val: Places
    target: Places
    mixed: Int[np.ndarray, "rows 2"]


def choose_probe(data: TaskData, most: int) -> Probe:
    """At most `most` and `ROWS` rows of each group, by a fixed seed: the same for every strategy and seed of a task."""
    random = np.random.default_rng(0)

    def rows(count: int) -> Places:
        return np.sort(random.choice(count, min(count, most, ROWS), replace=False))

    train, val, target = rows(len(data.source.y)), rows(len(data.source_val.y)), rows(len(data.test.y))
    order = random.permutation(len(target))
    mixed = np.stack([order, np.roll(order, 1)], axis=1)
    shown = take(data.test.x, target)
    x = {"train": take(data.source.x, train), "val": take(data.source_val.x, val), "target": shown}
    return Probe({**x, "mixed": map_leaves(lambda leaf: blend(leaf[mixed]), shown)}, val, target, mixed)


def blend(pairs: np.ndarray) -> np.ndarray:
    """Mixes pairs [rows, 2, ...] with `SHARE` of the first, in their own type; of tokens it takes the first."""
    if pairs.dtype == np.int32:
        return pairs[:, 0]
    both = pairs.astype(np.float32)
    mixed = SHARE * both[:, 0] + (1 - SHARE) * both[:, 1]
    return mixed.round().astype(np.uint8) if pairs.dtype == np.uint8 else mixed


def sample_of(observed: Mapping[str, "Observed"], seed: int, probe: Probe, data: TaskData) -> Sample:
    """The sample of one evaluation of one seed: its features and logits of the probe's rows."""
    return Sample(
        train_features=observed["train"].features[seed],
        val_features=observed["val"].features[seed],
        val_logits=observed["val"].logits[seed],
        val_y=data.source_val.y[probe.val],
        target_features=observed["target"].features[seed],
        target_logits=observed["target"].logits[seed],
        mixed_logits=observed["mixed"].logits[seed],
        mixed_rows=probe.mixed,
    )
