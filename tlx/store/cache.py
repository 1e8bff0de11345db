"""The cache of built datasets: arrays in .npy files, memory-mapped, safe against two builders and a killed one.

A dataset lies in one folder, "cache/<name>-<key>", whose file meta.json has the size and SHA-256 of the arrays, and a
hash of all that it says. marks.json has size, time and inode of each array when it was written or last hashed: only
what has another mark is hashed again.
The folder is built under another name and renamed when it is whole, under a lock that the system frees when its holder
dies; what a killed builder left is deleted by the next.
"""

import contextlib
import dataclasses
import functools
import hashlib
import itertools
import json
import logging
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tlx.data.file_names import file_word
from tlx.data.inputs import KINDS, Image, Input
from tlx.data.task import Arrays, Dataset
from tlx.data.tree import Inputs, leaves, map_leaves
from tlx.errors import DataError
from tlx.store.file import sha256

log = logging.getLogger("tlx")


def home() -> Path:
    """The folder of raw files and cache: TLX_DATA_DIR, or one of the user's cache folder.

    Raises:
        DataError: TLX_DATA_DIR begins with the home of nobody.
    """
    if told := os.environ.get("TLX_DATA_DIR"):
        try:
            return Path(told).expanduser()
        except RuntimeError:
            raise DataError(f"TLX_DATA_DIR is '{told}': there is no such user; expected the path of a folder") from None
    import platformdirs

    return platformdirs.user_cache_path("tlx") / "data"


def file_name(name: str) -> str:
    """A dataset's name as a file's: "tfds:emnist/digits" -> "tfds-emnist-digits"."""
    return file_word(name, kept=r"\w.+-")


def place(name: str, key: str) -> Path:
    """The folder of a built dataset."""
    return home() / "cache" / f"{file_name(name)}-{key[:16]}"


def load_or_build(name: str, key: str, build: Callable[[], Dataset]) -> Dataset:
    """The dataset `name` of content `key`: from the cache, or built, kept and then read from there.

    A damaged cache folder is told in the log, by its file, and built again.

    Raises:
        DataError: the folder cannot be written; and what `build` raises, which leaves nothing behind.
    """
    from filelock import FileLock

    folder = place(name, key)
    try:
        if (found := _sound(name, folder)) is not None:
            return found
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{folder}.lock"):
            for left in folder.parent.glob(f"{folder.name}.build-*"):
                shutil.rmtree(left)
            if (found := _sound(name, folder)) is not None:  # another process has built it meanwhile
                return found
            _write(folder, build())
        return read(name, folder)
    except OSError as error:
        raise DataError(f"Dataset '{name}': the cache {folder} cannot be written or read: {error}") from error


def read(name: str, folder: Path) -> Dataset:
    """The dataset of a cache folder; its arrays are memory-mapped.

    Raises:
        DataError: a file is missing or damaged; the message names it.
    """
    about = meta(folder)
    _verify(folder, about["files"])
    splits = []
    for split in ("train", "test"):
        parts = {stem: _array(folder / f"{split}_{stem}.npy", about["files"]) for stem in _stems(about.get("x", ""))}
        splits.append(Arrays(_tree(about.get("x", ""), parts), parts["y"], parts["origin"]))
    kind, target_kind = _kind(about.get("input", {"kind": "image"})), about.get("target_kind", "classes")
    return Dataset(name, splits[0], splits[1], tuple(about["classes"]), kind, target_kind)


def remove(folder: Path) -> None:
    """Deletes a dataset's folder, under the lock of who might build it."""
    from filelock import FileLock

    with FileLock(f"{folder}.lock"):
        shutil.rmtree(folder, ignore_errors=True)


def meta(folder: Path) -> dict[str, Any]:
    """What meta.json says: name, classes, hash, and of each file its size and SHA-256.

    Raises:
        DataError: it is damaged.
    """
    path = folder / "meta.json"
    try:
        about = json.loads(path.read_text())
        if not isinstance(about, dict) or {"name", "classes", "files", "hash"} - about.keys():
            raise ValueError("it lacks name, classes, files or hash")
        if about["hash"] != _hash(about):
            raise ValueError("its hash is not that of its content")
        return about
    except (OSError, ValueError) as error:
        raise DataError(f"The cache file {path} is damaged: {error}") from error


def _sound(name: str, folder: Path) -> Dataset | None:
    if not folder.exists():
        return None
    try:
        return read(name, folder)
    except DataError as error:
        log.warning("%s It is built again.", error)
        return None


def _hash(about: dict[str, Any]) -> str:
    """The hash of what meta.json says."""
    content = {key: value for key, value in about.items() if key != "hash"}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _verify(folder: Path, files: dict[str, Any]) -> None:
    """Hashes the arrays whose mark is not the one that is kept, and keeps it. Raises DataError for a damaged one."""
    kept, marks = _marks(folder), {}
    for name, facts in files.items():
        path = folder / name
        try:
            marks[name] = mark = _mark(path)
            if mark[0] != facts["size"]:
                raise ValueError(f"{mark[0]} bytes; expected {facts['size']}")
            if mark != kept.get(name) and (found := _sha256(path, *mark)) != facts["sha256"]:
                raise ValueError(f"its SHA-256 is {found}; expected {facts['sha256']}")
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DataError(f"The cache file {path} is damaged: {error}.") from error
    if marks != kept:
        with contextlib.suppress(OSError):  # another user's folder: hashed again by the next process
            _write_marks(folder, marks)


def _mark(path: Path) -> list[int]:
    about = path.stat()
    return [about.st_size, about.st_mtime_ns, about.st_ino]


def _marks(folder: Path) -> dict[str, list[int]]:
    try:
        marks = json.loads((folder / "marks.json").read_text())
    except (OSError, ValueError):
        return {}
    return marks if isinstance(marks, dict) else {}


def _write_marks(folder: Path, marks: dict[str, list[int]]) -> None:
    handle, beside = tempfile.mkstemp(dir=folder)
    with os.fdopen(handle, "w") as file:
        json.dump(marks, file)
    os.replace(beside, folder / "marks.json")


@functools.cache
def _sha256(path: Path, size: int, changed: int, inode: int) -> str:
    """Once a process for a file as it is."""
    return sha256(path)


def _array(path: Path, files: dict[str, Any]) -> np.ndarray:
    try:
        if path.name not in files:
            raise ValueError("meta.json does not name it")
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise DataError(f"The cache file {path} is damaged: {error}.") from error


def _write(folder: Path, dataset: Dataset) -> None:
    build = Path(tempfile.mkdtemp(prefix=f"{folder.name}.build-", dir=folder.parent))
    try:
        files = {}
        for split in ("train", "test"):
            arrays: Arrays = getattr(dataset, split)
            for stem, array in {**_leaves(arrays.x), "y": arrays.y, "origin": arrays.origin}.items():
                path = build / f"{split}_{stem}.npy"
                with path.open("wb") as stream:
                    np.save(stream, array, allow_pickle=False)
                    stream.flush()
                    os.fsync(stream.fileno())
                files[path.name] = {"size": path.stat().st_size, "sha256": sha256(path)}
        about = {"name": dataset.name, "classes": dataset.classes, "files": files, **_kinds(dataset)}
        about["hash"] = _hash(about)
        _write_marks(build, {name: _mark(build / name) for name in files})
        (build / "meta.json").write_text(json.dumps(about, indent=1))
        shutil.rmtree(folder, ignore_errors=True)  # a damaged one
        os.replace(build, folder)
    except BaseException:
        shutil.rmtree(build, ignore_errors=True)
        raise


def _kinds(dataset: Dataset) -> dict[str, Any]:
    """What meta.json says of a dataset that is not one array of images with classes."""
    facts: dict[str, Any] = {}
    if not isinstance(dataset.input, Image):
        facts["input"] = {"kind": dataset.input.kind, **dataclasses.asdict(dataset.input)}
    if dataset.target_kind != "classes":
        facts["target_kind"] = dataset.target_kind
    if not isinstance(dataset.train.x, np.ndarray):
        numbers = itertools.count()
        facts["x"] = map_leaves(lambda _: next(numbers), dataset.train.x)
    return facts


def _kind(facts: dict[str, Any]) -> Input:
    return KINDS[facts["kind"]](**{key: value for key, value in facts.items() if key != "kind"})


def _leaves(x: Inputs) -> dict[str, np.ndarray]:
    """The arrays of x by the stem of their file: "x" of one array, "x.0", "x.1", ... of a tree."""
    if isinstance(x, np.ndarray):
        return {"x": x}
    return {f"x.{number}": leaf for number, leaf in enumerate(leaves(x))}


def _stems(form: Any) -> list[str]:
    """The stems of the files of a split, of an x whose form is a tree of numbers, or "" of one array."""
    return [*(["x"] if form == "" else [f"x.{number}" for number in leaves(_tuples(form))]), "y", "origin"]


def _tree(form: Any, parts: dict[str, np.ndarray]) -> Inputs:
    return parts["x"] if form == "" else map_leaves(lambda number: parts[f"x.{number}"], _tuples(form))


def _tuples(form: Any) -> Any:
    """A form as JSON has it, with its lists made tuples again."""
    if isinstance(form, dict):
        return {key: _tuples(item) for key, item in form.items()}
    return tuple(map(_tuples, form)) if isinstance(form, list) else form
