"""A dataset as a protocol takes it: its classes, its splits, its rows."""

from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import NamedTuple

import numpy as np

from tlx.data.choose import Mark, chosen, keys, share
from tlx.data.protocol import Draw, Protocol
from tlx.data.selection import Part, joined, part
from tlx.data.task import Dataset
from tlx.errors import DataAbsent, DataError, UnknownName, nearest


class Domain(NamedTuple):
    """Train and test rows, labelled by their place in `classes`; no image is copied yet."""

    name: str
    classes: tuple[str, ...]
    train: Part
    test: Part


def make_domain(name: str, protocol: Protocol, dataset: Callable[[str], Dataset]) -> Domain:
    """The dataset called `name` under a protocol.

    Raises:
        DataAbsent: the protocol takes another edition of it, which no plugin brings.
        DataError: a class of the protocol that it lacks, or fewer rows than are drawn.
    """
    loaded = _edition(name, protocol, dataset)
    where = f"Protocol '{protocol.id}', dataset '{loaded.name}'"
    classes, labels = _classes(loaded.classes, protocol, where)
    train, test = (_labelled(part(arrays), labels) for arrays in (loaded.train, loaded.test))
    if protocol.pooled is not None:
        both = joined([train, test])
        mark = share(both.origin, protocol.pooled, f"pooled {protocol.seed}")
        train, test = both.where(mark), both.where(~mark)
    for draw in protocol.draws:
        if fnmatchcase(name, draw.dataset):
            train = train.where(_drawn(train, draw, f"{name} {draw.how} {protocol.seed}", where))
    for split, rows in (("train", train), ("test", test)):
        if not len(rows.y) and not (split == "test" and protocol.pooled == 1):
            raise DataError(f"{where}: no {split} row is left; expected one or more.")
    return Domain(name, classes, train, test)


def _edition(name: str, protocol: Protocol, dataset: Callable[[str], Dataset]) -> Dataset:
    edition = protocol.edition(name)
    try:
        return dataset(edition)
    except UnknownName as error:
        if edition == name:
            raise
        raise DataAbsent(
            f"Protocol '{protocol.id}' takes '{name}' from the dataset '{edition}', which is not here. "
            f"A plugin that registers a dataset of this name (hook tlx_datasets) brings it."
        ) from error


def _classes(own: tuple[str, ...], protocol: Protocol, where: str) -> tuple[tuple[str, ...], np.ndarray]:
    """The classes that take part, and for each label of the dataset its new one, -1 for a class that does not."""
    renamed = tuple(dict(protocol.renames).get(name, name) for name in own)
    taken = renamed if protocol.classes is None else protocol.classes
    if missing := [name for name in taken if name not in renamed]:
        guess = " or ".join(nearest(missing[0], renamed))
        hint = f"; nearest to '{missing[0]}': {guess}" if guess else ""
        raise DataError(f"{where}: no class {', '.join(missing)}; it has {', '.join(renamed)}{hint}.")
    return taken, np.array([taken.index(name) if name in taken else -1 for name in renamed], np.int32)


def _labelled(rows: Part, labels: np.ndarray) -> Part:
    relabelled = rows._replace(y=labels[rows.y])
    return relabelled.where(relabelled.y >= 0)


def _drawn(rows: Part, draw: Draw, salt: str, where: str) -> Mark:
    count = len(rows.y)
    if draw.how == "balanced":
        rarest = int(np.unique(rows.y, return_counts=True)[1].min())
        if draw.rows is not None and draw.rows > rarest:
            raise DataError(f"{where}: its rarest class has {rarest} train rows; expected {draw.rows} of each (draw).")
        return chosen(rows.y, rows.origin, draw.rows or rarest, salt)
    if draw.rows is None or draw.rows > count:
        raise DataError(f"{where}: it has {count} train rows; expected {draw.rows} or more (draw).")
    order = np.arange(count) if draw.how == "first" else np.argsort(keys(rows.origin, salt), kind="stable")
    mark = np.zeros(count, bool)
    mark[order[: draw.rows]] = True
    return mark
