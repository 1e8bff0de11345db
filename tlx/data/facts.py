"""What of a task shapes a model, and how its rows are scaled: all that applying a model needs of the data."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tlx.data.inputs import KINDS, Input
from tlx.data.task import TaskData
from tlx.data.tree import Inputs, map_leaves
from tlx.errors import DataError

DTYPES = ("uint8", "float32", "int32")


@dataclasses.dataclass(frozen=True, eq=False)
class Facts:
    """`x` has no row, and shape and type of the task's: a tree of arrays [0, ...].

    `classes` are the known ones; `outputs` counts them, and the unknown class where there is one, or the real targets.
    `new` are the names of the outputs of new classes, where those are told apart.
    `rows` counts those of "source", "target", "labelled" and "source_val". `mean`, `std` and `resize` are those of
    `TaskData` and of its protocol.
    """

    x: Inputs
    input: Input
    target_kind: str
    classes: tuple[str, ...]
    outputs: int
    domains: int
    rows: Mapping[str, int]
    mean: Inputs
    std: Inputs
    resize: int
    new: tuple[str, ...] = ()

    @classmethod
    def of(cls, data: TaskData) -> "Facts":
        """Those of a task."""
        fields = {name: getattr(data, name) for name in ("source", "target", "labelled", "source_val")}
        first = data.source if len(data.source.domain) else data.target
        return cls(
            x=map_leaves(lambda leaf: np.zeros((0, *leaf.shape[1:]), leaf.dtype), first.x),
            input=data.input,
            target_kind=data.target_kind,
            classes=tuple(data.space.known),
            outputs=data.space.outputs,
            domains=max(1, len(data.task.sources)),
            rows={name: len(rows.domain) for name, rows in fields.items()},
            mean=data.mean,
            std=data.std,
            resize=(data.task.protocol.resize or 0) if data.input.kind == "image" else 0,
            new=data.space.output_names[len(data.space.known) :] if data.space.novel else (),
        )

    @property
    def names(self) -> tuple[str, ...]:
        """The name of each output: the known classes, then the new ones, or "unknown"; none of real targets."""
        return (
            self.classes + self.new
            if self.new
            else self.classes + ("unknown",) * (self.outputs - len(self.classes) if self.classes else 0)
        )

    def to_json(self) -> dict[str, Any]:
        """A dict of JSON values."""
        plain = {name: getattr(self, name) for name in ("target_kind", "outputs", "domains", "resize")}
        return {
            **plain,
            **({"new": list(self.new)} if self.new else {}),
            "x": _to_json(self.x, lambda leaf: [str(leaf.dtype), *leaf.shape[1:]]),
            "input": {"kind": self.input.kind, **dataclasses.asdict(self.input)},
            "classes": list(self.classes),
            "rows": dict(self.rows),
            "mean": _to_json(self.mean, lambda leaf: leaf.tolist()),
            "std": _to_json(self.std, lambda leaf: leaf.tolist()),
        }

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> "Facts":
        """The facts of `to_json`'s dict. Raises KeyError, TypeError or ValueError where it is not one."""
        about = dict(fields["input"])
        given = {name: fields[name] for name in ("target_kind", "outputs", "domains", "resize")}
        numbers = {
            name: _from_json(fields[name], lambda leaf: np.asarray(leaf, np.float32)) for name in ("mean", "std")
        }
        return cls(
            x=_from_json(fields["x"], _empty),
            input=KINDS[about.pop("kind")](**about),
            classes=tuple(map(str, fields["classes"])),
            new=tuple(map(str, fields.get("new", ()))),
            rows={str(name): int(count) for name, count in fields["rows"].items()},
            **given,
            **numbers,
        )


def _empty(leaf: Any) -> np.ndarray:
    dtype, *shape = leaf
    if dtype not in DTYPES:
        raise DataError(f"x is of {dtype!r}; expected one of {', '.join(DTYPES)}")
    return np.zeros((0, *map(int, shape)), dtype)


def _to_json(tree: Inputs, leaf: Callable[[np.ndarray], Any]) -> Any:
    """A dict or tuple as a dict that names its kind, which no leaf is."""
    if isinstance(tree, dict):
        return {"dict": {str(key): _to_json(item, leaf) for key, item in tree.items()}}
    if isinstance(tree, tuple):
        return {"tuple": [_to_json(item, leaf) for item in tree]}
    return leaf(np.asarray(tree))


def _from_json(value: Any, leaf: Callable[[Any], np.ndarray]) -> Inputs:
    if not isinstance(value, dict):
        return leaf(value)
    if "dict" in value:
        return {key: _from_json(item, leaf) for key, item in value["dict"].items()}
    return tuple(_from_json(item, leaf) for item in value["tuple"])
