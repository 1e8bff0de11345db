"""Which classes a task's sources and targets have, and the numbers that they get."""

from collections.abc import Sequence

import numpy as np

from tlx.data.domain import Domain
from tlx.data.label_space import Space
from tlx.data.shift import Task
from tlx.errors import DataError


def resolve_space(task: Task, sources: Sequence[Domain], targets: Sequence[Domain]) -> Space:
    """The label space of a task.

    Without `Protocol.labels` all domains have the classes of the first target, and its order is theirs.

    Raises:
        DataError: classes that differ though the protocol has no label space, a class of the label space that no domain
            has, or real targets of different lengths.
    """
    first = targets[0]
    if first.target_kind == "real":
        lengths = {domain.name: domain.train.y.shape[1] for domain in (*sources, *targets)}
        if len(set(lengths.values())) > 1:
            shown = ", ".join(f"'{name}' {length}" for name, length in lengths.items())
            raise DataError(f"Task '{task.name}': real numbers of a row: {shown}; expected equally many in all.")
        return Space((), (), reals=first.train.y.shape[1])
    labels = task.protocol.labels
    if labels is None:
        for role, domains in (("source", sources), ("target", targets)):
            for domain in domains:
                _check_equal_classes(task, role, domain, first)
        return Space(first.classes, first.classes)
    for role, domains, wanted in (("source", sources, labels.source), ("target", targets, labels.target)):
        _check_present(task, role, domains, wanted)
    return Space(labels.source, labels.target, labels.unknown)


def class_numbers(space: Space, classes: Sequence[str]) -> np.ndarray:
    """For each class its number in the label space, int32 [C]."""
    return np.array([space.number(name) for name in classes], np.int32)


def _check_equal_classes(task: Task, role: str, domain: Domain, target: Domain) -> None:
    if set(domain.classes) == set(target.classes):
        return
    only = [
        f"only '{one.name}' has {', '.join(names)}"
        for one, other in ((domain, target), (target, domain))
        if (names := [name for name in one.classes if name not in other.classes])
    ]
    raise DataError(
        f"Task '{task.name}': {role} '{domain.name}' has the classes {', '.join(domain.classes)}; "
        f"target '{target.name}' has {', '.join(target.classes)}; expected the same: {'; '.join(only)}. "
        f"A protocol may rename classes and leave some out (`renames`, `classes`), or say which classes the sources "
        f"and the targets have (`Protocol.labels`)."
    )


def _check_present(task: Task, role: str, domains: Sequence[Domain], wanted: Sequence[str]) -> None:
    there = {name for domain in domains for name in domain.classes}
    missing = [name for name in wanted if name not in there]
    if domains and missing:
        known = ", ".join(f"'{domain.name}'" for domain in domains)
        raise DataError(
            f"Task '{task.name}': protocol '{task.protocol.id}' has the {role} classes {', '.join(missing)} in its "
            f"label space; expected classes of {known}, after `renames` and `classes`."
        )
