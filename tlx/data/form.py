"""The form of a task's x: one kind, one size. Images are brought to it; all else has to have it."""

from collections.abc import Sequence

import numpy as np

from tlx.data.domain import Domain
from tlx.data.inputs import Image
from tlx.data.selection import Part, images, values
from tlx.data.shift import Task
from tlx.data.tree import Inputs, map_leaves, paths
from tlx.errors import DataError


def check_kinds(task: Task, sources: Sequence[Domain], targets: Sequence[Domain]) -> None:
    """Raises DataError unless all domains have one kind of input, one tree of it, and one kind of target.

    Targets may have no labels, all of them, where there is a source.
    """
    domains = [*sources, *targets]
    first = domains[0]
    bare = [domain.name for domain in domains if domain.target_kind == "none"]
    if bare and bare != [domain.name for domain in targets]:
        role = "source" if bare[0] in task.sources else "target"
        expected = "labels in every source" if role == "source" else "labels in all targets, or in none"
        raise DataError(f"Task '{task.name}': the {role} '{bare[0]}' has no labels; expected {expected}.")
    if bare and not sources:
        raise DataError(f"Task '{task.name}': '{bare[0]}' has no labels, and there is no source; expected a source.")
    for domain in domains[1:]:
        for what in ("input",) if domain.name in bare else ("input", "target_kind"):
            ours, own = getattr(first, what), getattr(domain, what)
            if ours != own:
                raise DataError(
                    f"Task '{task.name}': '{first.name}' has {what} {ours}, '{domain.name}' {own}; expected one kind."
                )
    shapes = {domain.name: _shape(domain.train.arrays[0]) for domain in domains}
    # images of one tree may have any size
    alike = [sorted(shape) if isinstance(first.input, Image) else sorted(shape.items()) for shape in shapes.values()]
    if any(shape != alike[0] for shape in alike):
        got = ", ".join(f"'{name}' {_text(shape)}" for name, shape in shapes.items())
        raise DataError(f"Task '{task.name}': x of a row: {got}; expected one shape in all.")


def form_of(task: Task, domains: Sequence[Domain]) -> Inputs:
    """For each array of x, the size and the channels of the task's images; None of what is no image."""
    every = [x for domain in domains for x in (*domain.train.arrays, *domain.test.arrays)]
    if not isinstance(domains[0].input, Image):
        return map_leaves(lambda leaf: None, every[0])

    def largest(*arrays: np.ndarray) -> tuple[int, int]:
        size = task.protocol.size or max(max(x.shape[1:3]) for x in arrays)
        return size, task.protocol.channels or max(x.shape[3] for x in arrays)

    return map_leaves(largest, *every)


def conform(part: Part, form: Inputs) -> Inputs:
    """The x of a part's rows in a form that `form_of` gives; a whole array that fits is not copied."""

    def leaf(form: tuple[int, int] | None, *arrays: np.ndarray) -> np.ndarray:
        own = part._replace(arrays=arrays)
        return values(own) if form is None else images(own, *form)

    return map_leaves(lambda first, form, *others: leaf(form, first, *others), part.arrays[0], form, *part.arrays[1:])


def _shape(x: Inputs) -> dict[str, tuple[int, ...]]:
    return {path: leaf.shape[1:] for path, leaf in paths(x)}


def _text(shape: dict[str, tuple[int, ...]]) -> str:
    return ", ".join(f"{path} {size}".strip() for path, size in shape.items())
