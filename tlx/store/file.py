"""One raw file: what it is, and whether a path holds it."""

import contextlib
import dataclasses
import hashlib
import os
import secrets
from collections.abc import Callable
from pathlib import Path

Progress = Callable[["File", int, int | None], None]
"""Called as (file, bytes there, bytes in all or None) while a file comes in."""


@dataclasses.dataclass(frozen=True)
class File:
    """One raw file: the name it has in a folder, the SHA-256 of its bytes, where it is offered, its size in bytes.

    `urls` come in order: the official host first, then mirrors.
    """

    name: str
    sha256: str
    urls: tuple[str, ...] = ()
    size: int | None = None


def mismatch(file: File, path: Path) -> str | None:
    """What is wrong with the content of a path; None where it is the file's."""
    size = path.stat().st_size
    if size == 0:
        return "an empty file (0 bytes)"
    if file.size is not None and size != file.size:
        return f"{size} bytes; expected {file.size}"
    digest = sha256(path)
    return None if digest == file.sha256 else f"SHA-256 is {digest}; expected {file.sha256}"


def sha256(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hex."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def write_whole(path: Path, content: bytes) -> None:
    """Writes a file whole or not at all. Raises OSError."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}.tmp")
    try:
        with open(beside, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())  # before the rename, or a power cut could leave the name without the content
        os.replace(beside, path)
    except BaseException:
        with contextlib.suppress(OSError):
            beside.unlink()
        raise
