"""What lies in a folder: images, what is left beside images and skipped, and what can be no image."""

import os
import re
import stat
from pathlib import Path
from typing import NamedTuple

from tlx.data import IMAGE_SUFFIXES

NOTES = frozenset(".csv .db .htm .html .ini .json .jsonl .log .lst .md .tsv .txt .url .xml .yaml .yml".split())
PAPERS = frozenset("copying licence license readme".split())
LEFT = frozenset(("__macosx", "__pycache__", "@eadir", "lost+found", "$recycle.bin", "system volume information"))
KINDS = ((stat.S_ISFIFO, "a FIFO"), (stat.S_ISSOCK, "a socket"))
SHOWN = 10


class Found(NamedTuple):
    """The entries of a folder; `odd` says of each what it is."""

    folders: list[Path]
    images: list[Path]
    skipped: list[Path]
    other: list[Path]
    odd: list[str]


def look(folder: Path) -> Found:
    """The entries of a folder itself, links followed, in order. Names that begin with "." are skipped."""
    found = Found([], [], [], [], [])
    try:
        with os.scandir(folder) as listing:
            entries = sorted(listing, key=lambda entry: entry.name)
    except OSError as error:
        found.odd.append(f"{folder} ({error.strerror})")
        return found
    for entry in entries:
        if not _is_text(entry.name):
            found.odd.append(f"{folder}/{os.fsencode(entry.name)!r} (its name is not UTF-8)")
            continue
        path, kind = folder / entry.name, "" if is_left(entry.name) else _kind(entry)
        if not kind or (kind == "file" and (path.suffix.lower() in NOTES or path.name.casefold() in PAPERS)):
            found.skipped.append(path)
        elif kind == "file":
            (found.images if path.suffix.lower() in IMAGE_SUFFIXES else found.other).append(path)
        elif kind == "folder":
            found.folders.append(path)
        else:
            found.odd.append(f"{path} ({kind})")
    return found


def is_left(name: str) -> bool:
    """Whether a system or a tool leaves entries of this name in folders of images."""
    return name.startswith(".") or name.casefold() in LEFT


def gather(folder: Path, above: frozenset[tuple[int, int]] = frozenset()) -> Found:
    """All entries under a folder, links followed; a file without the suffix of an image is odd."""
    about = folder.stat()
    here = (about.st_dev, about.st_ino)
    if here in above:
        return Found([], [], [], [], [f"{folder} (a link to a folder above it)"])
    own = look(folder)
    below = [gather(path, above | {here}) for path in own.folders]
    odd = [*own.odd, *(f"{path} (no suffix of an image)" for path in own.other)]
    return Found(
        own.folders,
        sorted([*own.images, *(path for found in below for path in found.images)]),
        [*own.skipped, *(path for found in below for path in found.skipped)],
        [],
        [*odd, *(text for found in below for text in found.odd)],
    )


def inner(folder: Path, names: re.Pattern = re.compile(".*", re.DOTALL)) -> Path:
    """The folder, or what lies at the end of single folders with such names in it."""
    found = look(folder)
    while len(found.folders) == 1 and not found.images and names.fullmatch(found.folders[0].name):
        folder = found.folders[0]
        found = look(folder)
    return folder


def some(items: list) -> str:
    """The first ten, and how many more there are."""
    more = f" and {len(items) - SHOWN} more" if len(items) > SHOWN else ""
    return ", ".join(map(str, items[:SHOWN])) + more


def _is_text(name: str) -> bool:
    """Whether a name is text, which results and reports can hold; a file system may have any bytes."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _kind(entry: os.DirEntry) -> str:
    """Nothing is opened: a FIFO would wait for a writer."""
    try:
        if entry.is_dir():
            return "folder"
        if entry.is_file():
            return "file"
        mode = entry.stat().st_mode
    except FileNotFoundError:
        return "a broken link"
    except OSError as error:
        return str(error.strerror)
    return next((name for test, name in KINDS if test(mode)), "a device")
