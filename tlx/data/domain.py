"""A dataset as a protocol takes it: its classes, its splits, its rows."""

from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import NamedTuple

import numpy as np

from tlx.data.choose import Mark, choose_of_each, choose_rows, keys, share
from tlx.data.inputs import Input
from tlx.data.prior import Dirichlet
from tlx.data.protocol import Draw, Protocol
from tlx.data.selection import Part, join, part
from tlx.data.shares import Shares, class_counts
from tlx.data.task import Dataset
from tlx.errors import DataAbsent, DataError, UnknownName, nearest


class Domain(NamedTuple):
    """Train and test rows, labelled by their place in `classes`; nothing of x is copied yet.

    `shares` are those of the classes that a prior drew, None without one.
    """

    name: str
    classes: tuple[str, ...]
    train: Part
    test: Part
    input: Input
    target_kind: str
    shares: tuple[float, ...] | None = None


def make_domain(name: str, protocol: Protocol, dataset: Callable[[str], Dataset], is_target: bool = False) -> Domain:
    """The dataset called `name` under a protocol, as a source or a target.

    Raises:
        DataAbsent: the protocol takes another edition of it, which no plugin brings.
        DataError: a class of the protocol that it lacks, classes or class-wise draws of real targets or of rows without
            labels, fewer rows than are drawn, or a prior that leaves a source's class or a scored one without a row.
    """
    loaded = _edition(name, protocol, dataset)
    where = f"Protocol '{protocol.id}', dataset '{loaded.name}'"
    classes, train, test = (), part(loaded.train), part(loaded.test)
    if loaded.target_kind == "classes":
        classes, labels = _classes(loaded.classes, protocol, is_target, where)
        train, test = _labelled(train, labels), _labelled(test, labels)
    elif wrong := _class_rules(protocol, name):
        what = "its targets are real numbers, without classes" if loaded.target_kind == "real" else "it has no labels"
        raise DataError(f"{where}: {what}; expected no {wrong}.")
    if protocol.pooled is not None:
        both = join([train, test])
        mark = share(both.origin, protocol.pooled, f"pooled {protocol.seed}")
        train, test = both.where(mark), both.where(~mark)
    domain = Domain(name, classes, train, test, loaded.input, loaded.target_kind)
    for draw in protocol.draws:
        if fnmatchcase(name, draw.dataset):
            domain = _drawn(domain, draw, protocol.seed, where)
            if draw.how == "prior" and not (is_target and isinstance(draw.prior, Dirichlet)):
                _check_emptied(domain, protocol.scored if is_target else "train", where)
    for split, rows in (("train", domain.train), ("test", domain.test)):
        if not len(rows.y) and not (split == "test" and protocol.pooled == 1):
            raise DataError(f"{where}: no {split} row is left; expected one or more.")
    return domain


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


def _class_rules(protocol: Protocol, name: str) -> str | None:
    """The protocol's rule that asks for classes of the dataset `name`, if it has one."""
    rules = {
        "`classes`": protocol.classes is not None,
        "`labels`": protocol.labels is not None,
        f"stream '{protocol.stream}'": protocol.stream in ("class", "dirichlet"),
    }
    for draw in protocol.draws:
        rules[f"draw '{draw.how}'"] = draw.how in ("balanced", "prior") and fnmatchcase(name, draw.dataset)
    return next((rule for rule, asked in rules.items() if asked), None)


def _classes(
    own: tuple[str, ...], protocol: Protocol, is_target: bool, where: str
) -> tuple[tuple[str, ...], np.ndarray]:
    """The classes that take part, and for each label of the dataset its new one, -1 for a class that does not."""
    renamed = tuple(dict(protocol.renames).get(name, name) for name in own)
    taken = renamed if protocol.classes is None else protocol.classes
    if missing := [name for name in taken if name not in renamed]:
        guess = " or ".join(nearest(missing[0], renamed))
        hint = f"; nearest to '{missing[0]}': {guess}" if guess else ""
        raise DataError(f"{where}: no class {', '.join(missing)}; it has {', '.join(renamed)}{hint}.")
    if protocol.labels is not None:
        named = {*protocol.labels.source, *protocol.labels.target, *protocol.labels.left_out}
        if odd := [name for name in taken if name not in named]:
            raise DataError(
                f"{where}: the class {', '.join(odd)} is in no list of the label space; expected it among its source "
                f"or target classes, or in `left_out`."
            )
        asked = protocol.labels.target if is_target else protocol.labels.source
        taken = tuple(name for name in asked if name in taken)
    return taken, np.array([taken.index(name) if name in taken else -1 for name in renamed], np.int32)


def _labelled(rows: Part, labels: np.ndarray) -> Part:
    relabelled = rows._replace(y=labels[rows.y])
    return relabelled.where(relabelled.y >= 0)


def _drawn(domain: Domain, draw: Draw, seed: int, where: str) -> Domain:
    salt = f"{domain.name} {draw.how} {seed}"
    shares = None
    if draw.how == "prior":
        try:
            shares = draw.shares(domain.name, domain.classes, seed)
        except DataError as error:
            raise DataError(f"{where}: {error}") from error
        domain = domain._replace(shares=tuple(shares.tolist()))
    marks = {split: _mark(domain, split, draw, shares, salt, where) for split in draw.splits}
    return domain._replace(**{split: getattr(domain, split).where(mark) for split, mark in marks.items()})


def _check_emptied(domain: Domain, split: str, where: str) -> None:
    """Raises DataError where a prior leaves a class without a row that is learned from or scored.

    Of a target's Dirichlet prior this is not asked: to leave classes out is its way to be far from equal.
    """
    y = getattr(domain, split).y
    if (empty := np.flatnonzero(np.bincount(y, minlength=len(domain.classes)) == 0)).size:
        names = ", ".join(f"'{domain.classes[place]}'" for place in empty)
        raise DataError(
            f"{where}, {split}: the prior leaves class {names} without one of {len(y)} rows; expected a row of each: "
            f"another seed or prior, or `labels` of the protocol that leave the class out."
        )


def _mark(domain: Domain, split: str, draw: Draw, shares: Shares | None, salt: str, where: str) -> Mark:
    rows: Part = getattr(domain, split)
    count = len(rows.y)
    if shares is not None:
        try:
            counts = class_counts(shares, np.bincount(rows.y, minlength=len(shares)), draw.rows, domain.classes)
        except DataError as error:
            raise DataError(f"{where}, {split}: {error}") from error
        return choose_of_each(rows.y, rows.origin, dict(enumerate(counts.tolist())), salt)
    if draw.how == "balanced":
        rarest = int(np.unique(rows.y, return_counts=True)[1].min())
        if draw.rows is not None and draw.rows > rarest:
            raise DataError(
                f"{where}: its rarest class has {rarest} {split} rows; expected {draw.rows} of each (draw)."
            )
        return choose_rows(rows.y, rows.origin, draw.rows or rarest, salt)
    if draw.rows is None or draw.rows > count:
        raise DataError(f"{where}: it has {count} {split} rows; expected {draw.rows} or more (draw).")
    order = np.arange(count) if draw.how == "first" else np.argsort(keys(rows.origin, salt), kind="stable")
    mark = np.zeros(count, bool)
    mark[order[: draw.rows]] = True
    return mark
