"""From a task to its arrays: one form of x, no shared image, labels of the targets only where they are shown."""

import logging
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from tlx.data.choose import Mark, choose_rows, first_rows, keys, share
from tlx.data.content import hash_of
from tlx.data.domain import Domain, make_domain
from tlx.data.form import check_kinds, conform, form_of
from tlx.data.label_space import Space
from tlx.data.labelling import class_numbers, resolve_space
from tlx.data.scale import scale
from tlx.data.selection import Part, join
from tlx.data.shift import Task
from tlx.data.stream import correlated_order
from tlx.data.task import Dataset, Rows, TaskData, Unlabelled
from tlx.data.tree import Inputs, map_leaves, take
from tlx.errors import DataError

log = logging.getLogger("tlx")


class Domains(NamedTuple):
    """The domains of a task under its protocol."""

    task: Task
    sources: list[Domain]
    targets: list[Domain]

    @property
    def scored(self) -> list[Part]:
        """Of each target the rows that scores are over."""
        return [target.test if self.task.protocol.scored == "test" else target.train for target in self.targets]


def load_task(task: Task, dataset: Callable[[str], Dataset]) -> TaskData:
    """The arrays of a task, the same in every process; `dataset` gives a `Dataset` by its name.

    Source rows whose origin is in a target (either split) are dropped, and from `source_val` those whose origin is
    among the sources' train rows as well. Under `shared_origins` no source train row has its origin in the rows that
    are scored, and nothing else is dropped for the targets' sake. Labels follow the order of classes of the protocol's
    label space, or of the first target. Arrays of a dataset that fit as they are, memory-mapped ones too, are not
    copied: write to none of them.

    Raises:
        DataAbsent: a dataset is not on this machine.
        DataError: domains of different kinds, shapes or classes, a source without a row left, a class with fewer rows
            than `shots`, an unknown class without rows.
    """
    protocol = task.protocol
    sources = [make_domain(name, protocol, dataset) for name in task.sources]
    targets = [make_domain(name, protocol, dataset, is_target=True) for name in task.targets]
    domains = Domains(task, sources, targets)
    check_kinds(task, sources, targets)
    space = resolve_space(task, sources, targets)
    form = form_of(task, [*sources, *targets])
    train, val = _split(domains)
    _check_learnt(domains, space, train)

    _check_private(domains, space)
    x = conform(join([target.train for target in targets]), form)
    mark = _labelled(domains, space)
    numbers = np.arange(len(sources), len(sources) + len(targets))
    domain = _repeat(numbers, [target.train for target in targets])
    scored = domains.scored
    source = _rows(train, sources, space, x, form)
    mean, std = scale(targets[0].input, protocol, source.x if len(source.y) else x)
    data = TaskData(
        source=source,
        source_val=_rows(val, sources, space, x, form),
        target=Unlabelled(x, domain),
        labelled=Rows(
            x if mark.all() else take(x, mark),
            np.concatenate([_numbered(target.train, target, space) for target in targets])[mark],
            domain[mark],
        ),
        test=Rows(
            x if protocol.scored == "train" else conform(join(scored), form),
            np.concatenate([_numbered(rows, target, space) for rows, target in zip(scored, targets, strict=True)]),
            _repeat(numbers, scored),
        ),
        order=_order(domains, space),
        space=space,
        input=targets[0].input,
        target_kind=(sources or targets)[0].target_kind,
        mean=mean,
        std=std,
        task=task,
        hash="",
    )
    priors = {item.name: item.shares for item in (*sources, *targets) if item.shares is not None}
    return data._replace(hash=hash_of(data, mark, priors))


def _check_private(domains: Domains, space: Space) -> None:
    """Each class of the target alone has rows to learn from, and rows that are scored."""
    for split, parts in (("train", [target.train for target in domains.targets]), ("scored", domains.scored)):
        there = {
            target.classes[label]
            for target, rows in zip(domains.targets, parts, strict=True)
            for label in (np.unique(rows.y) if space.target_private else ())
        }
        if missing := [name for name in space.target_private if name not in there]:
            raise DataError(
                f"Task '{domains.task.name}': the {'new' if space.novel else 'unknown'} class {', '.join(missing)} has "
                f"no {split} row in the target; "
                f"expected one or more, or a label space without it."
            )


def _split(domains: Domains) -> tuple[list[Part], list[Part]]:
    """Of each source the rows to train on and those to select by, without an image of a target."""
    protocol, where = domains.task.protocol, f"Task '{domains.task.name}', source"
    train, val = [source.train for source in domains.sources], [source.test for source in domains.sources]
    if protocol.validation is not None:
        held = [share(rows.origin, protocol.validation, f"validation {protocol.seed}") for rows in train]
        val = [rows.where(mark) for rows, mark in zip(train, held, strict=True)]
        train = [rows.where(~mark) for rows, mark in zip(train, held, strict=True)]
    every = [rows for target in domains.targets for rows in (target.train, target.test)]
    seen = _origins(*domains.scored) if protocol.shared_origins else _origins(*every)
    unseen = set() if protocol.shared_origins else seen
    names = [source.name for source in domains.sources]
    wheres = [f"{where} '{name}', train" for name in names]
    train = [_without(seen, rows, place, say=True) for rows, place in zip(train, wheres, strict=True)]
    trained = unseen | _origins(*train)
    return train, [
        _without(trained, rows, f"{where} '{name}', validation") for rows, name in zip(val, names, strict=True)
    ]


def _check_learnt(domains: Domains, space: Space, train: Sequence[Part]) -> None:
    """Raises DataError where the targets have rows of a known class that no source has a train row of."""
    if space.reals or not train:
        return
    rows = [(part, domain) for part, domain in zip(train, domains.sources, strict=True)]
    for part, domain in rows:
        if lost := sorted(set(np.unique(domain.test.y).tolist()) - set(np.unique(part.y).tolist())):
            who, names = f"Task '{domains.task.name}': source '{domain.name}'", [domain.classes[n] for n in lost]
            log.warning("%s has test rows and no train row of %s.", who, ", ".join(names))
    learnt = {number for part, domain in rows for number in np.unique(_numbered(part, domain, space)).tolist()}
    for target in domains.targets:
        met = [np.unique(_numbered(part, target, space)) for part in (target.train, target.test)]
        if lacking := [space.known[n] for n in np.unique(np.concatenate(met)) if 0 <= n < len(space.known)
                       and n not in learnt]:  # fmt: skip
            raise DataError(
                f"Task '{domains.task.name}': no source has a train row of {', '.join(lacking)}, which target "
                f"'{target.name}' has rows of; expected one or more of each class."
            )


def _origins(*parts: Part) -> set[str]:
    return {name for part in parts for name in part.origin.tolist()}


def _without(origins: set[str], rows: Part, where: str, say: bool = False) -> Part:
    names = rows.origin.tolist()
    kept = np.fromiter((name not in origins for name in names), bool, len(names))
    if not kept.any():
        raise DataError(
            f"{where}: none of {len(kept)} rows is left; all have their origin in the target or in a train split."
        )
    if say and not kept.all():
        log.info("%s: %d of %d rows are left out, as their images are in the target.", where, (~kept).sum(), len(kept))
    return rows.where(kept)


def _labelled(domains: Domains, space: Space) -> Mark:
    """Marks the targets' train rows whose labels are shown."""
    marks = []
    for place, target in enumerate(domains.targets):
        y = _numbered(target.train, target, space)
        free = np.ones(len(y), bool) if space.reals else y < space.labelled
        free &= target.target_kind != "none"
        if domains.task.protocol.scored == "test" and len(domains.targets) > 1:
            others = _origins(*(rows for number, rows in enumerate(domains.scored) if number != place))
            free &= np.fromiter((name not in others for name in target.train.origin.tolist()), bool, len(y))
        marks.append(free if domains.task.protocol.shots is None else _shots(domains, target, space, free))
    return np.concatenate(marks)


def _shots(domains: Domains, target: Domain, space: Space, free: Mark) -> Mark:
    """Marks `shots` rows of each class of a target whose labels are shown, or of real targets, among the free ones."""
    shots = domains.task.protocol.shots
    assert shots is not None
    if target.target_kind == "none":
        got = f"the target '{target.name}' has no labels"
        raise DataError(
            f"Task '{domains.task.name}': {got}; expected {shots} labelled train rows of each class (shots)."
        )
    y = np.zeros(int(free.sum()), np.int32) if space.reals else target.train.y[free]
    places = [place for place, name in enumerate(target.classes) if space.number(name) < space.labelled]
    names = [f"class '{target.classes[place]}' of '{target.name}'" for place in places]
    if space.reals:
        names, places = [f"'{target.name}'"], [0]
    counts = np.bincount(y, minlength=max(places) + 1)[places]
    if counts.min() < shots:
        few = f"{names[counts.argmin()]} has {counts.min()} train rows"
        raise DataError(f"Task '{domains.task.name}': {few}; expected {shots} or more (shots).")
    mark = np.zeros(len(free), bool)
    choose = first_rows if domains.task.protocol.first_shots else choose_rows
    mark[np.flatnonzero(free)] = choose(y, target.train.origin[free], shots, "shots")
    return mark


def _numbered(rows: Part, domain: Domain, space: Space) -> np.ndarray:
    """The labels of a domain's rows as numbers of the label space; real targets as they are; what says no label."""
    if domain.target_kind == "none" and space.reals:
        return np.full((len(rows.y), space.reals), np.nan, np.float32)
    if domain.target_kind == "none":
        return rows.y
    return rows.y if space.reals else class_numbers(space, domain.classes)[rows.y]


def _repeat(numbers: Sequence[int] | np.ndarray, parts: Sequence[Part]) -> np.ndarray:
    """The number of each part, once for each of its rows."""
    return np.repeat(np.asarray(numbers, np.int32), [len(part.y) for part in parts])


def _rows(parts: Sequence[Part], sources: Sequence[Domain], space: Space, x: Inputs, form: Inputs) -> Rows:
    """The rows of all sources; without a source, none, in the form of `x`."""
    if not parts:
        y = np.zeros((0, space.reals), np.float32) if space.reals else np.zeros(0, np.int32)
        return Rows(map_leaves(lambda leaf: np.zeros((0, *leaf.shape[1:]), leaf.dtype), x), y, np.zeros(0, np.int32))
    y = [_numbered(part, source, space) for part, source in zip(parts, sources, strict=True)]
    return Rows(conform(join(parts), form), np.concatenate(y), _repeat(range(len(parts)), parts))


def _order(domains: Domains, space: Space) -> np.ndarray:
    """The order in which a stream brings the scored rows, target after target."""
    protocol, orders, before = domains.task.protocol, [], 0
    for target, rows in zip(domains.targets, domains.scored, strict=True):
        order = np.arange(len(rows.y))
        if protocol.stream != "stored":
            order = np.argsort(keys(rows.origin, f"stream {protocol.seed}"), kind="stable")
        if protocol.stream == "class":
            order = order[np.argsort(_numbered(rows, target, space)[order], kind="stable")]
        if protocol.concentration is not None:
            y, salt = _numbered(rows, target, space)[order], f"{target.name} stream {protocol.seed}"
            order = order[correlated_order(y, protocol.concentration, salt)]
        orders.append(order + before)
        before += len(order)
    return np.concatenate(orders).astype(np.int32)
