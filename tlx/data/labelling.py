"""Which classes a task's sources and targets have, and the numbers that they get."""

from collections.abc import Sequence

import numpy as np

from tlx.data.domain import Domain
from tlx.data.label_space import Space
from tlx.data.shift import Task
from tlx.errors import DataError


def resolve_space(task: Task, sources: Sequence[Domain], targets: Sequence[Domain]) -> Space:
    """The label space of a task.

    Without `Protocol.labels` all sources have the same classes, and all targets have these or some of them: a target
    with fewer makes a partial task. The order is that of the first target where it has them all, else of the first
    source. Targets without labels are taken to have the sources' classes.

    Raises:
        DataError: other classes that differ though the protocol has no label space, a class of the label space that no
            domain has, a class of the targets' rows without a source row, new classes to discover among known ones, or
            real targets of different lengths.
    """
    bare = targets[0].target_kind == "none"
    labelled = [*sources, *(() if bare else targets)]
    if labelled[0].target_kind == "real":
        lengths = {domain.name: domain.train.y.shape[1] for domain in labelled}
        if len(set(lengths.values())) > 1:
            shown = ", ".join(f"'{name}' {length}" for name, length in lengths.items())
            raise DataError(f"Task '{task.name}': real numbers of a row: {shown}; expected equally many in all.")
        return Space((), (), reals=labelled[0].train.y.shape[1])
    labels = task.protocol.labels
    if labels is None:
        return _space_of_names(task, sources, [] if bare else targets)
    for role, domains, wanted in (("source", sources, labels.source), ("target", targets, labels.target)):
        _check_present(task, role, domains, wanted)
    space = Space.of(labels, task.protocol.shots)
    if space.kind == "discovery" and space.shared:
        raise DataError(
            f"Task '{task.name}': new classes without a label, and rows of {', '.join(space.shared)} among them; "
            f"expected a target of new classes alone, or labelled rows of each class (shots: '{task.name}/5')."
        )
    return space


def class_numbers(space: Space, classes: Sequence[str]) -> np.ndarray:
    """For each class its number in the label space, int32 [C]."""
    return np.array([space.number(name) for name in classes], np.int32)


def _space_of_names(task: Task, sources: Sequence[Domain], targets: Sequence[Domain]) -> Space:
    """The space of domains whose classes say by themselves who has which."""
    first = (sources or targets)[0]
    for domain in sources:
        _check_classes(task, domain, first, "the same")
    for domain in targets:
        _check_classes(task, domain, first, "the same or some of these" if sources else "the same", bool(sources))
    held = {name for domain in targets for name in domain.classes}
    if not targets or held < set(first.classes):
        return Space(first.classes, tuple(name for name in first.classes if not targets or name in held))
    order = next((domain.classes for domain in targets if len(domain.classes) == len(held)), first.classes)
    return Space(order, order)


def _check_classes(task: Task, domain: Domain, first: Domain, expected: str, fewer: bool = False) -> None:
    own, known = set(domain.classes), set(first.classes)
    if own == known or (fewer and own < known):
        return
    only = [
        f"only '{one.name}' has {', '.join(names)}"
        for one, other in ((first, domain), (domain, first))
        if (names := [name for name in one.classes if name not in other.classes])
    ]
    raise DataError(
        f"Task '{task.name}': '{first.name}' has the classes {', '.join(first.classes)}; "
        f"'{domain.name}' has {', '.join(domain.classes)}; expected {expected}: {'; '.join(only)}. "
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
