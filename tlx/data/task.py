"""What a dataset and a task are, and the arrays that a task gives to the engine.

Shape vocabulary: rows N, height H, width W, channels C. Images are uint8 in 0..255; labels are int32 in 0..classes-1.
Cached features stand in the place of images as float32 [N, 1, 1, width].
"""

import dataclasses
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, Int32, Shaped, UInt8

from tlx.data.protocol import Protocol
from tlx.data.task_names import TaskName, is_name, parse
from tlx.errors import DataError

Images = UInt8[np.ndarray, "rows height width channels"] | Float32[np.ndarray, "rows 1 1 width"]
Labels = Int32[np.ndarray, "rows"]
Origins = Shaped[np.ndarray, "rows"]


class Arrays(NamedTuple):
    """One split of a dataset. `origin` is text like "mnist5k/0012": the original image that a row comes from."""

    x: Images
    y: Labels
    origin: Origins


@dataclasses.dataclass(frozen=True, eq=False)
class Dataset:
    """One domain: a train and a test split that share no original image.

    Raises:
        DataError: a wrong type, shape or label, an empty split, or an origin that is in both splits.
    """

    name: str
    train: Arrays
    test: Arrays
    classes: tuple[str, ...]

    def __post_init__(self):
        if not is_name(self.name):
            plain = "letters, digits and _, with . or - only inside"
            raise DataError(f"Dataset name '{self.name}'; expected {plain}, or 'prefix:rest' without '+'.")
        if len(self.classes) < 2 or len(set(self.classes)) < len(self.classes):
            raise DataError(f"Dataset '{self.name}': classes {self.classes}; expected two or more different names.")
        for split in ("train", "test"):
            _check(getattr(self, split), f"Dataset '{self.name}', {split}", len(self.classes))
        train, test = self.train.x.shape[1:], self.test.x.shape[1:]
        if train != test:
            raise DataError(f"Dataset '{self.name}': train images are {train}, test images {test}; expected one shape.")
        both = set(self.train.origin.tolist()).intersection(self.test.origin.tolist())
        if both:
            raise DataError(f"Dataset '{self.name}': {len(both)} origins are in train and in test, as '{min(both)}'.")


def _check(arrays: Arrays, where: str, classes: int) -> None:
    x, y, origin = arrays
    features = x.dtype == np.float32 and x.ndim == 4 and x.shape[1:3] == (1, 1)
    if not features and (x.dtype != np.uint8 or x.ndim != 4):
        expected = "uint8 [rows, height, width, channels], or float32 [rows, 1, 1, width] of cached features"
        raise DataError(f"{where}: x is {x.dtype} {x.shape}; expected {expected}.")
    if not x.size:
        raise DataError(f"{where}: x is {x.shape}; expected at least one row.")
    if features and not np.isfinite(x).all():
        raise DataError(f"{where}: {int((~np.isfinite(x)).sum())} features are not finite.")
    if not features and x.shape[3] not in (1, 3):
        raise DataError(f"{where}: x has {x.shape[3]} channels; expected 1 (grey) or 3 (RGB).")
    if y.dtype != np.int32 or y.shape != x.shape[:1]:
        raise DataError(f"{where}: y is {y.dtype} {y.shape}; expected int32 ({len(x)},).")
    if y.min() < 0 or y.max() >= classes:
        raise DataError(f"{where}: labels are {y.min()} to {y.max()}; expected 0 to {classes - 1} ({classes} classes).")
    if origin.dtype.kind != "U" or origin.shape != x.shape[:1]:
        raise DataError(f"{where}: origin is {origin.dtype} {origin.shape}; expected text ({len(x)},).")


@dataclasses.dataclass(frozen=True)
class Task:
    """From source datasets, named, to a target dataset, under a protocol; without a source, the target's labels alone.

    Raises:
        DataError: a source that comes twice, or a target among the sources.
    """

    sources: tuple[str, ...]
    target: str
    protocol: Protocol
    summary: str = ""

    def __post_init__(self):
        found = parse(self.name)
        if str(found) != self.name:
            raise DataError(f"Task '{self.name}': in normal form its name is '{found}'.")
        if (found.sources, found.target, found.shots) != (self.sources, self.target, self.protocol.shots):
            raise DataError(f"Task '{self.name}': it reads as {found!r}; expected {self.sources} and '{self.target}'.")

    @property
    def name(self) -> str:
        """The name in normal form: "a->b", "a+b->c", "b", and with shots "a->b/10".

        A target with a prefix has the protocol before its shots, which would be read as its own: "a->folder:/b@P/10".
        """
        shots = self.protocol.shots
        protocol = self.protocol.id.removesuffix(f"/{shots}") if shots and ":" in self.target else None
        return str(TaskName(self.sources, self.target, protocol, shots))


class Rows(NamedTuple):
    """Labelled images. `domain` numbers the sources from 0 in the task's order; the target's number is the next one."""

    x: Images
    y: Labels
    domain: Labels


class TaskData(NamedTuple):
    """A task's arrays, all images at the protocol's size and channels; sources and target have no common
    origin, unless the protocol says `shared_origins`. Of a task without a source, `source` and `source_val` are empty.

    Labels of the target are in `labelled` (train rows, by `shots`) and in `test_y` only. `hash` is the sha256 of the
    arrays, the classes and the protocol.
    """

    source: Rows
    source_val: Rows
    target_x: Images
    labelled: Rows
    test_x: Images
    test_y: Labels
    classes: tuple[str, ...]
    task: Task
    hash: str
