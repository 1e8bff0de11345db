"""A small seeded task and backbone on which a strategy is checked in a second or two."""

import math

import numpy as np
from flax import nnx

from tlx.data.protocol import Protocol
from tlx.data.task import Rows, Task, TaskData
from tlx.engine.recipe import Recipe

SHAPE = (8, 8, 1)
CLASSES = ("left", "middle", "right")
PROTOCOL = Protocol(id="tiny", summary="bright bars on 8x8 images, the target dimmer", size=8, channels=1)


class TinyBN(nnx.Module):
    """Flatten, 16, batch norm, ReLU."""

    def __init__(self, shape: tuple[int, int, int], rngs: nnx.Rngs):
        self.width = 16
        self.fc = nnx.Linear(math.prod(shape), 16, rngs=rngs)
        self.bn = nnx.BatchNorm(16, rngs=rngs)

    def __call__(self, x):
        return nnx.relu(self.bn(self.fc(x.reshape(x.shape[0], -1))))


def tiny_recipe() -> Recipe:
    """Twelve steps in four rounds, without a bottleneck: every path of the engine, quickly."""
    return Recipe(name="tiny", steps=12, rounds=4, batch=8, eval_batch=16, bottleneck=0, lr=0.05)


def tiny_task(domains: int = 1) -> TaskData:
    """Bars at one of three places; the target is dimmer and noisier. The same arrays at every call."""
    random = np.random.default_rng(0)

    def rows(count: int, light: int, domain: int) -> Rows:
        y = np.arange(count, dtype=np.int32) % len(CLASSES)
        x = random.integers(0, 60, (count, *SHAPE))
        for image, place in zip(x, y, strict=True):
            image[:, 1 + 2 * place : 3 + 2 * place] += light
        return Rows(x.astype(np.uint8), y, np.full(count, domain, np.int32))

    def joined(parts: list[Rows]) -> Rows:
        return Rows(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))

    source = joined([rows(48, 180 - 20 * d, d) for d in range(domains)])
    val = joined([rows(21, 180 - 20 * d, d) for d in range(domains)])
    target, test = rows(45, 90, domains), rows(27, 90, domains)
    task = Task(sources=tuple(f"bars{d}" for d in range(domains)), target="dim_bars", protocol=PROTOCOL)
    return TaskData(source, val, target.x, target, test.x, test.y, CLASSES, task, "tiny")
