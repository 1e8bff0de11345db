"""A task's arrays on the device, as uint8, and the batches drawn from them there.

Arrays are padded to a common multiple of rows and carry their true length as a traced number, so tasks of about equal
size share one compiled program. Where images are streamed, a table holds labels only and a batch is given its images.
"""

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from tlx.contract import Batch, Key, Labelled, NotShown, Unlabelled
from tlx.data import TaskData
from tlx.engine.sampler import rows
from tlx.errors import ContractError, nearest

FIELDS = ("source", "target", "labelled")
MULTIPLE = 4096


class Table(NamedTuple):
    """`n` rows of one kind: `x` uint8 [padded, H, W, C], `y` and `domain` int32 [padded] (zeros where unlabelled)."""

    x: jax.Array
    y: jax.Array
    domain: jax.Array
    n: jax.Array


class Feed(NamedTuple):
    """What a run reads on the device. `tables` holds only what some phase sees; the others are for evaluation."""

    tables: dict[str, Table]
    source_val: Table
    test: Table
    mean: jax.Array
    std: jax.Array


def table(x: np.ndarray, y: np.ndarray | None = None, domain: np.ndarray | None = None, resident: bool = True) -> Table:
    """A table on the default device, padded with zeros to a multiple of `MULTIPLE` rows; x is empty unless resident."""
    n = len(x)
    spare = -n % MULTIPLE

    def padded(array: np.ndarray) -> jax.Array:
        return jnp.asarray(np.pad(array, ((0, spare), *((0, 0),) * (array.ndim - 1))))

    zeros = np.zeros(n, np.int32)
    images = padded(x) if resident else jnp.zeros((0, *x.shape[1:]), jnp.uint8)
    return Table(images, padded(zeros if y is None else y), padded(zeros if domain is None else domain), jnp.int32(n))


def make_feed(data: TaskData, sees: frozenset[str], resident: bool = True) -> Feed:
    """The task on the device, with the tables that `sees` names. Target test labels are never put there."""
    makers = {
        "source": lambda: table(*data.source, resident),
        "target": lambda: table(data.target_x, resident=resident),
        "labelled": lambda: table(*data.labelled, resident),
    }
    return Feed(
        tables={field: makers[field]() for field in FIELDS if field in sees},
        source_val=table(data.source_val.x, resident=resident),
        test=table(data.test_x, resident=resident),
        mean=jnp.float32(data.task.protocol.mean),
        std=jnp.float32(data.task.protocol.std),
    )


def check_sees(sees: frozenset[str], data: TaskData, where: str) -> None:
    """Raises ContractError where a phase sees a field that does not exist, or one that the task does not offer."""
    sizes = {"source": len(data.source.x), "target": len(data.target_x), "labelled": len(data.labelled.x)}
    for field in sorted(sees):
        if field not in FIELDS:
            guess = nearest(field, FIELDS)
            raise ContractError(
                f"{where} sees '{field}'; expected {', '.join(FIELDS)}{f'; {guess[0]}?' if guess else ''}"
            )
        if not sizes[field]:
            offered = ", ".join(name for name, size in sizes.items() if size)
            raise ContractError(
                f"{where} sees '{field}', which task '{data.task.name}' does not offer; it offers: {offered}"
            )


def normalise(feed: Feed, x: jax.Array) -> jax.Array:
    """x = (uint8 / 255 - mean) / std; cached features, which are float32, as they are."""
    return x if x.dtype == jnp.float32 else (x.astype(jnp.float32) / 255 - feed.mean) / feed.std


def draw(feed: Feed, sees: frozenset[str], key: Key, steps: jax.Array, batch: int) -> dict[str, jax.Array]:
    """The rows of every step in `steps`, for each field that is seen: {field: [steps, batch]}."""
    return {
        field: rows(jax.random.fold_in(key, FIELDS.index(field)), steps, feed.tables[field].n, batch)
        for field in FIELDS
        if field in sees
    }


def take(feed: Feed, at: dict[str, jax.Array], where: str, images: dict[str, jax.Array] | None = None) -> Batch:
    """The batch at the rows `at`, of `images` (uint8) if they are given; what is not drawn is `NotShown`."""
    shown: dict[str, Labelled | Unlabelled] = {}
    for field, index in at.items():
        source = feed.tables[field]
        x = normalise(feed, source.x[index] if images is None else images[field])
        shown[field] = Unlabelled(x, index) if field == "target" else Labelled(x, source.y[index], source.domain[index])
    return batch_of(shown, where)


def batch_of(shown: dict[str, Labelled | Unlabelled], where: str) -> Batch:
    """A `Batch` of the fields that are shown."""
    hidden = {field: NotShown(field, tuple(shown), where) for field in FIELDS if field not in shown}
    return Batch(**{**shown, **hidden})  # pyright: ignore[reportArgumentType]


def union(sees: Sequence[frozenset[str]]) -> frozenset[str]:
    """All that any phase sees."""
    return frozenset().union(*sees)
