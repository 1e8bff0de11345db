"""Members of .tar.gz archives, read without unpacking them to disk."""

import tarfile
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tlx import DataError


def members(archive: Path, names: Sequence[str]) -> dict[str, np.ndarray]:
    """The bytes of each named member, in one pass. Raises DataError where the archive is damaged or lacks one."""
    found = {}
    try:
        with tarfile.open(archive, "r|*") as opened:  # a stream: going back would unpack it again
            for member in opened:
                if member.name in names and (stream := opened.extractfile(member)):
                    found[member.name] = np.frombuffer(stream.read(), np.uint8)
                    if found[member.name].size != member.size:
                        raise EOFError(f"{member.name} is cut short")
                if len(found) == len(names):
                    break
    except (OSError, EOFError, tarfile.TarError, zlib.error) as error:
        raise DataError(f"{archive}: not a whole archive: {error}") from error
    if missing := [name for name in names if name not in found]:
        raise DataError(f"{archive}: it has no {', '.join(missing)}.")
    return found


def records(data: np.ndarray, length: int, where: str) -> np.ndarray:
    """Bytes as rows of `length`. Raises DataError where they do not come out even."""
    if not data.size or data.size % length:
        raise DataError(f"{where}: {data.size} bytes; expected a multiple of {length}.")
    return data.reshape(-1, length)
