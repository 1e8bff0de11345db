"""What a page shows of a run beside its scores: where the features of both domains lie, and some images."""

from typing import TYPE_CHECKING

import numpy as np

from tlx.data import TaskData
from tlx.runs.probe import Probe

if TYPE_CHECKING:
    from tlx.engine.train import Outcome

POINTS = 200  # of each domain
IMAGES = 8  # of each domain


def embedding(outcome: "Outcome", data: TaskData, probe: Probe) -> dict[str, np.ndarray]:
    """Arrays of the first seed, for an .npz file beside its result.

    `points` [2, rows, 2]: both domains' features on their first two principal components, at the first and the last
    evaluation, whose steps are `steps`; `source` says which rows are the source's, `y` their classes, `predicted`
    [2, rows] the predictions. `images` uint8 [16, H, W, C] are those of the rows `shown`, of a task of images alone;
    `classes` are names. Labels of the target are there to be looked at: nothing is selected or trained by them.
    """
    val, target = probe.val[:POINTS], probe.target[:POINTS]
    both = ("val", "target")
    ends = (outcome.evaluations[0], outcome.evaluations[-1])
    rows = [
        [(end.observed[group].features[0][:POINTS], end.observed[group].logits[0][:POINTS]) for group in both]
        for end in ends
    ]
    arrays = {
        "points": np.stack([plane(np.concatenate([features for features, _ in end])) for end in rows]),
        "predicted": np.stack([np.concatenate([logits.argmax(1) for _, logits in end]) for end in rows]),
        "steps": np.array([end.step for end in ends]),
        "source": np.repeat([True, False], [len(val), len(target)]),
        "y": np.concatenate([data.source_val.y[val], data.test.y[target]]).astype(np.int16),
        "classes": np.array(data.space.names),
    }
    arrays["predicted"] = arrays["predicted"].astype(np.int16)
    if data.input.kind != "image" or not isinstance(data.test.x, np.ndarray):
        return arrays
    few = [np.unique(np.linspace(0, len(index) - 1, IMAGES).astype(int)) for index in (val, target)]
    images = np.concatenate([probe.x[group][some] for group, some in zip(both, few, strict=True)])
    return {**arrays, "images": images, "shown": np.concatenate([few[0], len(val) + few[1]])}


def plane(features: np.ndarray) -> np.ndarray:
    """The rows [rows, 2] on their first two principal components, scaled to a largest coordinate of 1.

    The sign of a component is that which makes its largest loading positive. Zeros where a feature is not finite.
    """
    centred = features.astype(np.float64) - features.mean(axis=0)
    if not np.isfinite(centred).all():
        return np.zeros((len(features), 2), np.float32)
    _, _, directions = np.linalg.svd(centred, full_matrices=False)
    directions = directions[:2]
    directions *= np.sign(directions[np.arange(len(directions)), np.abs(directions).argmax(axis=1)])[:, None]
    points = np.zeros((len(features), 2))
    points[:, : len(directions)] = centred @ directions.T
    return (points / (np.abs(points).max() or 1)).astype(np.float32)
