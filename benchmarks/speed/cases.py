"""What is timed: six cases on the nets of the digits papers, with random images, since only the shapes matter."""

from typing import NamedTuple

import numpy as np

from tlx import Recipe, Task
from tlx.data import Image, Protocol, Rows, Space, TaskData, Unlabelled

# TLLib's digits recipe.
RECIPE = Recipe(name="speed", lr=0.01, weight_decay=0.001, batch=128, bottleneck=256, rounds=1, eval_batch=1)


class Case(NamedTuple):
    """One line of the table. `steps` is how many make one timed round; 0 times evaluation instead."""

    name: str
    strategy: str
    backbone: str
    shape: tuple[int, int, int]
    steps: int
    recipe: Recipe = RECIPE


CASES = (
    Case("dann", "dann", "lenet", (28, 28, 1), 10),
    Case("dann_32", "dann", "lenet", (28, 28, 1), 40, RECIPE.replace(batch=32)),
    Case("source_only", "source_only", "lenet", (28, 28, 1), 20),
    Case("mcd", "mcd", "lenet", (28, 28, 1), 4),
    Case("dtn_source_only", "source_only", "dtn", (32, 32, 3), 5, RECIPE.replace(bottleneck=0)),
    Case("evaluation", "source_only", "lenet", (28, 28, 1), 0, RECIPE.replace(eval_batch=250)),
)
ROWS = 4000


def images(case: Case) -> tuple[np.ndarray, np.ndarray]:
    """Random uint8 images [ROWS, H, W, C] and labels [ROWS]."""
    random = np.random.default_rng(0)
    return random.integers(0, 256, (ROWS, *case.shape), np.uint8), random.integers(0, 10, ROWS).astype(np.int32)


def task(case: Case) -> TaskData:
    """Both domains hold the same images; the evaluation sets hold one row, or all of them in the evaluation case."""
    x, y = images(case)
    rows = Rows(x, y, np.zeros(ROWS, np.int32))
    few = rows if case.steps == 0 else Rows(x[:1], y[:1], rows.domain[:1])
    protocol = Protocol(id="speed", summary="random images", size=case.shape[0], channels=case.shape[2])
    names = tuple("0123456789")
    return TaskData(
        source=rows,
        source_val=few,
        target=Unlabelled(x, rows.domain),
        labelled=rows,
        test=few,
        order=np.arange(len(few.y), dtype=np.int32),
        space=Space(names, names),
        input=Image(),
        target_kind="classes",
        mean=np.float32(0.5),
        std=np.float32(0.5),
        task=Task(sources=("random",), targets=("again",), protocol=protocol),
        hash="speed",
    )
