"""From published tensors to those of a backbone: names, layouts, shapes, and what is left over on either side."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from tlx.errors import WeightsError
from tlx.weights.names import Names

Tensors = dict[str, np.ndarray]
OWN = "tlx"  # the kind of weights whose names are our paths already
REPLACEABLE = ("head", "bottleneck")  # what a task decides the size of, and a run may start anew
REST = "state/"  # of what a run of tlx saved, the names that are neither backbone nor classifier
SHOWN = 6


class Report(NamedTuple):
    """How tensors met a backbone.

    `missing` are our paths that nothing fills, `unexpected` published names that have no place, `reinitialised` our
    paths of a classifier (or bottleneck) that is absent or of another size, and stays as it was.
    """

    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    reinitialised: tuple[str, ...]


def layout(path: str, tensor: np.ndarray, shape: tuple[int, ...] | None) -> np.ndarray:
    """A tensor of PyTorch's layout in ours: convolutions OIHW to HWIO, linear [out, in] to [in, out].

    A convolution of one pixel becomes the linear layer that it is where `shape` has two axes.
    """
    if not path.endswith("kernel"):
        return tensor
    if tensor.ndim == 4 and tensor.shape[2:] == (1, 1) and shape is not None and len(shape) == 2:
        tensor = tensor[:, :, 0, 0]
    if tensor.ndim == 4:
        return tensor.transpose(2, 3, 1, 0)
    return tensor.T if tensor.ndim == 2 else tensor


def match(
    tensors: Mapping[str, np.ndarray],
    shapes: Mapping[str, tuple[int, ...]],
    maps: Mapping[str, Names],
    *,
    kind: str | None = None,
    adapt: Callable[[Tensors], Tensors] | None = None,
    name: str = "the backbone",
    strict: bool = True,
) -> tuple[Tensors, Report]:
    """The float32 tensors that fill the paths of `shapes`, in their layout, and the report.

    Of the `maps`, and the map of our own paths to themselves, `kind` or the first that matches all names is taken, else
    the nearest. `adapt` may change tensors that have their path and layout before their shapes are checked. Unless
    `strict`, missing and unexpected tensors are only reported. Names that begin with "state/" are left alone.

    Raises:
        WeightsError: an unknown kind; tensors missing or unexpected; a tensor of another shape, not of floats, or with
            NaN or infinite values.
    """
    tensors = {theirs: tensor for theirs, tensor in tensors.items() if not theirs.startswith(REST)}
    kinds = [OWN, *maps] if kind is None else [kind]
    if kind is not None and kind != OWN and kind not in maps:
        raise WeightsError(f"{name} has no map of names '{kind}'; it has: {', '.join([OWN, *maps])}")
    tried = [_matched(tensors, shapes, maps.get(one)) for one in kinds]
    taken, unexpected = min(tried, key=lambda pair: len(pair[1]) + len(_missing(pair[0], shapes)))
    own = kinds[tried.index((taken, unexpected))] == OWN
    found = {path: tensors[theirs] for path, theirs in taken.items()}
    if not own:
        found = {path: layout(path, tensor, shapes.get(path)) for path, tensor in found.items()}
    if adapt is not None:
        found = adapt(found)
    anew = _anew(found, shapes)
    report = Report(tuple(_missing(found, shapes)), tuple(unexpected), tuple(anew))
    if strict:
        _refuse(report, shapes, name)
    kept = {path: tensor for path, tensor in found.items() if path in shapes and path not in anew}
    _check(kept, shapes, taken, name)
    return {path: np.asarray(tensor, np.float32) for path, tensor in kept.items()}, report


def _refuse(report: Report, shapes: Mapping[str, tuple[int, ...]], name: str) -> None:
    if not (report.missing or report.unexpected):
        return
    said = [
        f"{what} {len(names)}: {', '.join(names[:SHOWN])}{', ...' if len(names) > SHOWN else ''}"
        for what, names in (("missing", report.missing), ("unexpected", report.unexpected))
        if names
    ]
    raise WeightsError(f"the weights are not those of {name} ({len(shapes)} tensors): {'; '.join(said)}")


def _group(path: str) -> str:
    return path.split("/")[0]


def _matched(
    tensors: Mapping[str, np.ndarray], shapes: Mapping[str, tuple[int, ...]], names: Names | None
) -> tuple[dict[str, str], list[str]]:
    """{our path: published name}, and the names without a place."""
    taken: dict[str, str] = {}
    unexpected = []
    for theirs in tensors:
        path = theirs if names is None else names.path(theirs)
        if path == "":
            continue
        if path is None or path in taken or not (path in shapes or _group(path) in REPLACEABLE):
            unexpected.append(theirs)
        else:
            taken[path] = theirs
    return taken, unexpected


def _missing(found: Mapping[str, object], shapes: Mapping[str, tuple[int, ...]]) -> list[str]:
    return [path for path in shapes if path not in found and _group(path) not in REPLACEABLE]


def _anew(found: Mapping[str, np.ndarray], shapes: Mapping[str, tuple[int, ...]]) -> list[str]:
    """The paths of classifier and bottleneck to start anew: groups that do not fit whole; a classifier on another."""
    fits = {}
    for group in REPLACEABLE:
        here = {path: shape for path, shape in shapes.items() if _group(path) == group}
        there = {path: tensor.shape for path, tensor in found.items() if _group(path) == group}
        fits[group] = here == there
    fits["head"] &= fits["bottleneck"]
    return [path for path in shapes if not fits.get(_group(path), True)]


def _check(kept: Tensors, shapes: Mapping[str, tuple[int, ...]], taken: Mapping[str, str], name: str) -> None:
    def called(path: str) -> str:
        theirs = taken.get(path, path)
        return f"'{theirs}'" if theirs == path else f"'{theirs}' ({path})"

    for path, tensor in kept.items():
        if tensor.shape != tuple(shapes[path]):
            raise WeightsError(
                f"tensor {called(path)} has shape {tensor.shape} here; {name} expects {tuple(shapes[path])}: "
                "weights of another architecture, width or input"
            )
        if tensor.dtype.kind != "f" and tensor.dtype.name != "bfloat16":
            raise WeightsError(f"tensor {called(path)} is of {tensor.dtype}; expected floats")
        if not np.isfinite(np.asarray(tensor, np.float32)).all():
            raise WeightsError(f"tensor {called(path)} has values that are NaN or infinite")
