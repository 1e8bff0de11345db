"""The small backbone and the few rows that a strategy is checked and probed on."""

import math
from typing import Any

import jax.numpy as jnp
import numpy as np
from flax import nnx

from tlx.contract import Labelled, Unlabelled

CLASSES = ("left", "middle", "right")
ROWS, BATCH = 24, 16


class TinyBN(nnx.Module):
    """Flatten, 16, batch norm, ReLU."""

    def __init__(self, shape: tuple[int, ...], rngs: nnx.Rngs):
        self.width = 16
        self.fc = nnx.Linear(math.prod(shape), 16, rngs=rngs)
        self.bn = nnx.BatchNorm(16, rngs=rngs)

    def __call__(self, x):
        return nnx.relu(self.bn(self.fc(jnp.float32(x.reshape(x.shape[0], -1)))))


def bars(domains: int = 1, kind: str = "image", real: bool = False) -> dict[str, Any]:
    """24 rows of every field, by name: 8x8 images, in [-1, 1], of a bar at one of three places, the target's dimmer.

    As a "vector" they are flat, as a "sequence" eight steps of eight channels, as "tokens" 64 ids of 0 and 1. `real`
    gives three real numbers a row in place of its class.
    """
    random = np.random.default_rng(0)
    shape = {"image": (8, 8, 1), "sequence": (8, 8)}.get(kind, (64,))

    def rows(light: int, first: int, count: int) -> Labelled:
        y, domain = (np.arange(ROWS, dtype=np.int32) % size for size in (len(CLASSES), count))
        x = random.integers(0, 60, (ROWS, 8, 8))
        for image, place in zip(x, y, strict=True):
            image[:, 1 + 2 * place : 3 + 2 * place] += light
        x = x.reshape(ROWS, *shape)
        x = np.int32(x > 75) if kind == "tokens" else np.float32(x / 127.5 - 1)
        labels = np.eye(len(CLASSES), dtype=np.float32)[y] if real else y
        return Labelled(*map(jnp.asarray, (x, labels, np.sort(domain) + first, np.arange(ROWS, dtype=np.int32))))

    made = {"source": rows(180, 0, domains), "source_val": rows(180, 0, domains), "labelled": rows(90, domains, 1)}
    return made | {"target": Unlabelled(made["labelled"].x, made["labelled"].domain, made["labelled"].index)}
