"""What a dataset is, and the arrays that a task gives to the engine.

Shape vocabulary: rows N, outputs K. x is one array, or a tree of arrays, with the leading axis N: `tlx.data.inputs` has
its kinds. Labels are int32 [N] in 0..classes-1, or float32 [N, K] of real targets.
"""

import dataclasses
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, Int32, Shaped, UInt8

from tlx.data.inputs import Image, Input
from tlx.data.label_space import Space
from tlx.data.shift import Task
from tlx.data.task_names import is_name
from tlx.data.tree import Inputs, leaves, map_leaves
from tlx.errors import DataError

Images = UInt8[np.ndarray, "rows height width channels"]
Labels = Int32[np.ndarray, "rows"]
Reals = Float32[np.ndarray, "rows outputs"]
Numbers = Int32[np.ndarray, "rows"]
Origins = Shaped[np.ndarray, "rows"]
TARGET_KINDS = ("classes", "real", "none")
NO_LABEL = -1


class Arrays(NamedTuple):
    """One split of a dataset. `origin` is text like "mnist5k/0012": the original image that a row comes from."""

    x: Inputs
    y: Labels | Reals
    origin: Origins


@dataclasses.dataclass(frozen=True, eq=False)
class Dataset:
    """One domain: a train and a test split that share no original image.

    `input` is the kind of x: `Image`, `Vector`, `Sequence` or `Tokens`. `target_kind` is "classes", named by `classes`,
    or "real": then y is float32 [N, K] and `classes` is (); or "none", of a target whose labels nobody knows: then
    every y is -1 and `classes` is ().

    Raises:
        DataError: a wrong type, shape or label, an empty split, or an origin that is in both splits.
    """

    name: str
    train: Arrays
    test: Arrays
    classes: tuple[str, ...] = ()
    input: Input = Image()
    target_kind: str = "classes"

    def __post_init__(self):
        if not (isinstance(self.name, str) and is_name(self.name)):
            plain = "letters, digits and _, with . or - only inside"
            raise DataError(f"Dataset name '{self.name}'; expected {plain}, or 'prefix:rest' without '+'.")
        where = f"Dataset '{self.name}'"
        if isinstance(self.classes, str):
            raise DataError(f"{where}: classes is the text '{self.classes}'; expected a tuple of names.")
        if not isinstance(self.input, Input):
            raise DataError(f"{where}: input {self.input!r}; expected Image(), Vector(), Sequence() or Tokens(number).")
        if self.target_kind not in TARGET_KINDS:
            raise DataError(f"{where}: target_kind {self.target_kind!r}; expected {_or(TARGET_KINDS)}.")
        if self.target_kind != "classes" and self.classes:
            what = "real targets" if self.target_kind == "real" else "rows without labels"
            raise DataError(f"{where}: classes {self.classes} of {what}; expected ().")
        if self.target_kind == "classes" and (len(self.classes) < 2 or len(set(self.classes)) < len(self.classes)):
            raise DataError(f"{where}: classes {self.classes}; expected two or more different names.")
        for split in ("train", "test"):
            _check(getattr(self, split), f"{where}, {split}", self)
        train, test = (map_leaves(lambda leaf: leaf.shape[1:], part.x) for part in (self.train, self.test))
        if train != test:
            raise DataError(
                f"{where}: train {_plural(self.input)} are {train}, test {_plural(self.input)} {test}; "
                f"expected one shape."
            )
        if self.train.y.shape[1:] != self.test.y.shape[1:]:
            got = f"y is {self.train.y.shape} in train, {self.test.y.shape} in test"
            raise DataError(f"{where}: {got}; expected equally many numbers of a row.")
        both = set(self.train.origin.tolist()).intersection(self.test.origin.tolist())
        if both:
            raise DataError(f"{where}: {len(both)} origins are in train and in test, as '{min(both)}'.")


def _or(words: tuple[str, ...]) -> str:
    return f"{', '.join(map(repr, words[:-1]))} or {words[-1]!r}"


def _plural(kind: Input) -> str:
    return kind.kind if kind.kind.endswith("s") else f"{kind.kind}s"


def _check(arrays: Arrays, where: str, dataset: Dataset) -> None:
    x, y, origin = arrays
    columns = leaves(x)
    for leaf in columns:
        if wrong := _problem(leaf, dataset.input):
            raise DataError(f"{where}: {wrong}.")
    rows = len(columns[0])
    if any(len(leaf) != rows for leaf in columns):
        counts = ", ".join(str(len(leaf)) for leaf in columns)
        raise DataError(f"{where}: the arrays of x have {counts} rows; expected equally many.")
    if dataset.target_kind == "real":
        if y.dtype != np.float32 or y.ndim != 2 or len(y) != rows or not y.size:
            raise DataError(f"{where}: y is {y.dtype} {y.shape}; expected float32 ({rows}, outputs) of real targets.")
        if not np.isfinite(y).all():
            raise DataError(f"{where}: {int((~np.isfinite(y)).sum())} values of y are not finite.")
    else:
        classes = len(dataset.classes)
        if y.dtype != np.int32 or y.shape != (rows,):
            raise DataError(f"{where}: y is {y.dtype} {y.shape}; expected int32 ({rows},).")
        if dataset.target_kind == "none":
            if (y != NO_LABEL).any():
                raise DataError(f"{where}: labels are {y.min()} to {y.max()}; expected {NO_LABEL} (no label).")
        elif y.min() < 0 or y.max() >= classes:
            raise DataError(
                f"{where}: labels are {y.min()} to {y.max()}; expected 0 to {classes - 1} ({classes} classes)."
            )
    if origin.dtype.kind != "U" or origin.shape != (rows,):
        raise DataError(f"{where}: origin is {origin.dtype} {origin.shape}; expected text ({rows},).")


def _problem(x: np.ndarray, kind: Input) -> str | None:
    """What is wrong with one array of x; the cheap checks come first."""
    if not x.size and x.ndim:
        return f"x is {x.shape}; expected at least one row"
    return kind.problem(x)


class Rows(NamedTuple):
    """Labelled rows. `domain` numbers the sources from 0 in the task's order; then the targets, in theirs.

    `y` numbers the known classes (`Space.known`); a class of the target alone has the number after them. Real targets
    are float32 [N, outputs]. Of targets without labels it is -1, of real ones NaN.
    """

    x: Inputs
    y: Labels | Reals
    domain: Numbers


class Unlabelled(NamedTuple):
    """Rows of the targets, without their labels. `domain` numbers them as in `Rows`."""

    x: Inputs
    domain: Numbers


class TaskData(NamedTuple):
    """A task's arrays; sources and targets have no common origin, unless the protocol says `shared_origins`.

    `target` are the train rows of all targets, in order, and `labelled` those of them whose labels are shown (by
    `shots`; none of a class of the target alone, nor of the origin of another target's test row). `test` are the rows
    that scores are over. Labels of the targets are in `labelled` and `test` only. Of a task without a source, `source`
    and `source_val` are empty.

    `order` is the order in which a stream brings the rows of `test`: target after target, and within a target as the
    protocol's `stream` says. `target_kind` is that of the sources, "classes" or "real".

    `mean` and `std` are trees of x's form, float32: of images x = (x / 255 - mean) / std, one number or one for each
    channel; of vectors and sequences x = (x - mean) / std, one for each column or channel; tokens have 0 and 1.

    `hash` is the sha256 of the arrays, their order, the label space, the kind of input and the protocol.
    """

    source: Rows
    source_val: Rows
    target: Unlabelled
    labelled: Rows
    test: Rows
    order: Numbers
    space: Space
    input: Input
    target_kind: str
    mean: Inputs
    std: Inputs
    task: Task
    hash: str

    @property
    def scorable(self) -> bool:
        """Whether the scored rows have labels."""
        y = self.test.y
        return not (np.isnan(y) if y.ndim == 2 else y == NO_LABEL).any()
