"""Raw files as their publishers offer them: found in a folder, taken from another, or downloaded, and always hashed."""

import functools
import logging
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from tlx.errors import DataAbsent, DataError
from tlx.store.download import download
from tlx.store.file import File, Progress, mismatch, sha256

log = logging.getLogger("tlx")


def fetch(file: File, folder: Path, given: Path | None = None, progress: Progress | None = None) -> Path:
    """The path of `file` in `folder`, its content checked: as it lies there, else copied from `given`, else downloaded.

    In `given` the file is looked for by its name and then by its SHA-256, sub-folders included. A download that was cut
    short goes on where it stopped. A file gets its name only when its hash is right, so no half of one is left behind;
    two processes may ask for the same file at once.

    Raises:
        DataAbsent: it is in neither place and no host gave it; the message has each reason and what to do by hand.
        DataError: `given` is not a folder, or `folder` cannot be written.
    """
    from filelock import FileLock

    if given is not None and not given.is_dir():
        raise DataError(f"'{given}' is not a folder; expected one that holds {file.name}.")
    path = folder / file.name
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{path}.lock"):
            return _fetch(file, path, given, progress)
    except OSError as error:
        raise DataError(f"{path}: cannot be written: {error}") from error


def _fetch(file: File, path: Path, given: Path | None, progress: Progress | None) -> Path:
    reasons = []
    if path.exists():
        if (wrong := mismatch(file, path)) is None:
            return path
        reasons.append(f"{path}: {wrong}")
    if given is not None:
        found = _find(file, given, reasons)
        if found is not None:
            return _copy(found, path)
    for url in file.urls:
        log.info("%s: from %s", path, url)
        try:
            return download(file, url, path, progress)
        except DataError as error:
            reasons.append(f"{url}: {error}")
    raise DataAbsent(_absent(file, path, reasons))


def _absent(file: File, path: Path, reasons: list[str]) -> str:
    tried = "".join(f"\n  {reason}" for reason in reasons) or " no host offers it"
    by_hand = f"tlx data prepare {path.parent.name} --from DIR, where DIR holds a file with SHA-256 {file.sha256}"
    by_hand += f" (all files of it: tlx data info {path.parent.name})"
    return f"The file {file.name} is not at {path}, and could not be had:{tried}\nBy hand: {by_hand}"


def _find(file: File, given: Path, reasons: list[str]) -> Path | None:
    """By name, then by hash; names that hold something else are told in `reasons`."""
    named = [path for path in _inside(given) if path.name == file.name]
    for path in named:
        if (wrong := mismatch(file, path)) is None:
            return path
        reasons.append(f"{path}: {wrong}")
    for path in _inside(given):
        if path not in named and file.size in (None, path.stat().st_size) and _known(path) == file.sha256:
            return path
    if not named:
        reasons.append(f"{given}: no file of this name or hash")
    return None


def _inside(folder: Path) -> Iterator[Path]:
    yield from (path for path in sorted(folder.rglob("*")) if path.is_file())


def _known(path: Path) -> str:
    about = path.stat()
    return _hash_of(path, about.st_size, about.st_mtime_ns)


@functools.cache
def _hash_of(path: Path, size: int, changed: int) -> str:  # many files are looked for among the same ones
    return sha256(path)


def _copy(found: Path, path: Path) -> Path:
    part = path.with_name(f"{path.name}.copy")
    shutil.copyfile(found, part)
    os.replace(part, path)
    return path
