"""Rows that a model is applied to, from what a user has: arrays, image files, Pillow's pictures."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from tlx.data import Image, Input, read_image
from tlx.data.facts import Facts
from tlx.data.resize import fit
from tlx.data.tree import Inputs, map_leaves, paths, row_count, take
from tlx.errors import DataError

SHOWN = 10
GREY_OR_RGB = "expected uint8 images [rows, height, width, channels], grey or RGB, or a list of files"


class Arrays:
    """Rows that lie in arrays; images of any size are brought to the model's, as a task's are."""

    def __init__(self, x: Inputs, facts: Facts):
        self.x, self.facts = x, facts

    def __len__(self) -> int:
        return row_count(self.x)

    def read(self, rows: np.ndarray) -> tuple[Inputs, dict[int, str]]:
        """The rows of these numbers as the model takes them, and by number why one cannot be read."""
        some = take(self.x, rows)
        if isinstance(self.facts.input, Image):
            some = map_leaves(lambda leaf, own: fit(leaf, own.shape[1], own.shape[3]), some, self.facts.x)
        return map_leaves(np.ascontiguousarray, some), {}


class Pictures:
    """Image files, pictures of Pillow, or arrays of different sizes, each read when it is needed.

    Of a file or picture the short side is scaled to the model's size and the middle cropped, as `folder:` datasets are.
    """

    def __init__(self, items: Sequence[Any], facts: Facts):
        self.items, self.facts = items, facts

    def __len__(self) -> int:
        return len(self.items)

    def read(self, rows: np.ndarray) -> tuple[Inputs, dict[int, str]]:
        """As `Arrays.read`; in the place of what cannot be read stands the first row that can."""
        _, size, _, channels = self.facts.x.shape

        def one(row: int) -> np.ndarray | str:
            try:
                return fit(_picture(self.items[row], size)[None], size, channels)[0]
            except DataError as error:
                return str(error)

        with ThreadPoolExecutor() as threads:
            found = list(threads.map(one, rows.tolist()))
        wrong = {int(row): got for row, got in zip(rows, found, strict=True) if isinstance(got, str)}
        good = [got for got in found if not isinstance(got, str)]
        stand_in = good[0] if good else np.zeros((size, size, channels), np.uint8)
        return np.stack([stand_in if isinstance(got, str) else got for got in found]), wrong


def rows_of(x: Any, facts: Facts) -> Arrays | Pictures:
    """Rows from what a user gives; see `tlx.trained.trained.Trained`.

    Raises:
        DataError: another kind, type, shape or number of channels than the model takes; no row.
    """
    found = _images(x, facts) if isinstance(facts.input, Image) else Arrays(_plain(x, facts), facts)
    if not len(found):
        raise DataError("There is no row to predict; expected one or more.")
    return found


def _images(x: Any, facts: Facts) -> Arrays | Pictures:
    if isinstance(facts.x, Mapping | tuple):
        return Arrays(_plain(x, facts), facts)
    if isinstance(x, str | Path) or _is_picture(x):
        x = [x]
    if isinstance(x, np.ndarray) and x.ndim == 1 and x.dtype.kind in "OU":
        x = x.tolist()
    if isinstance(x, Sequence) and not all(isinstance(item, int | float | list | tuple) for item in x):
        return Pictures(x, facts)
    return Arrays(_image_array(np.asarray(x)), facts)


def _image_array(x: np.ndarray) -> np.ndarray:
    if x.dtype != np.uint8:
        more = "; of floats in 0 to 1: (x * 255).round().astype('uint8')" if x.dtype.kind == "f" else ""
        raise DataError(f"The images are {x.dtype} {x.shape}; {GREY_OR_RGB}{more}.")
    if x.ndim == 3 and x.shape[2] in (1, 3):
        raise DataError(f"The images are {x.shape}, which looks like one image: x[None] makes it a row of its own.")
    x = x[..., None] if x.ndim == 3 else x
    if wrong := Image().problem(x):
        raise DataError(f"The images: {wrong}.")
    if not x.size and len(x):
        raise DataError(f"The images are {x.shape}, without a pixel.")
    return x


def _plain(x: Any, facts: Facts) -> Inputs:
    """Rows in the type and shape of the task's, of what is no image, or of a tree of images."""
    given, like = dict(paths(x)), dict(paths(facts.x))
    if list(given) != list(like):
        names = (", ".join(each) if any(each) else "one array" for each in (given, like))
        raise DataError("x is {}; the model takes {}.".format(*names))
    made = {path: _leaf(given[path], like[path], facts.input) for path in like}
    if len(counts := {len(array) for array in made.values()}) > 1:
        raise DataError(f"The arrays of x have {sorted(counts)} rows; expected equally many.")
    places = iter(made.values())
    return map_leaves(lambda _: next(places), facts.x)


def _leaf(x: Any, like: np.ndarray, kind: Input) -> np.ndarray:
    try:
        array = np.asarray(x)
    except ValueError as error:
        raise DataError(f"x is no array: {error}") from error
    numbers = "iu" if like.dtype.kind == "i" else "fiu" if like.dtype.kind == "f" else "u"
    fits = array.ndim == like.ndim and array.shape[1:] == like.shape[1:] and array.dtype.kind in numbers
    with np.errstate(over="ignore"):  # what is too large becomes infinite, which is said below
        made = array.astype(like.dtype, copy=False) if fits else array
    if not fits or (like.dtype.kind != "f" and not (made == array).all()):
        expected = f"{like.dtype} [rows, {', '.join(map(str, like.shape[1:]))}]"
        raise DataError(f"x is {array.dtype} {array.shape}; the model takes rows of kind {kind.kind}, {expected}.")
    if wrong := kind.problem(made):
        raise DataError(f"{wrong[0].upper()}{wrong[1:]}.")
    return made


def _is_picture(item: Any) -> bool:
    return hasattr(item, "convert") and hasattr(item, "size") and hasattr(item, "mode")


def _picture(item: Any, size: int) -> np.ndarray:
    """One image, uint8 [height, width, channels]."""
    if isinstance(item, str | Path):
        return read_image(Path(item).expanduser(), 3, size)
    if _is_picture(item):
        from tlx.data.decode import picture

        return picture(item, "that was given", 3, size)
    array = np.asarray(item)
    if array.ndim == 2:
        array = array[..., None]
    if array.dtype != np.uint8 or array.ndim != 3 or array.shape[2] not in (1, 3) or not array.size:
        raise DataError(f"An image is {array.dtype} {array.shape}; expected a file, a picture of Pillow, or uint8 "
                        "[height, width, channels], grey or RGB.")  # fmt: skip
    return array


def unreadable(wrong: Mapping[int, str]) -> DataError:
    """The error that names what cannot be read."""
    told = list(wrong.values())
    more = f" And {len(told) - SHOWN} more." if len(told) > SHOWN else ""
    return DataError(f"{len(told)} images cannot be read. {' '.join(told[:SHOWN])}{more}")
