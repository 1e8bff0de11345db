"""Files as bytes and .npz archives as arrays, where anything may lie under the name."""

import io
import math
import stat
import zipfile
from pathlib import Path

import numpy as np

_HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


def regular_bytes(path: Path) -> bytes:
    """What is in a file.

    Raises:
        ValueError: it is no regular file: reading a FIFO would wait, and a device never end.
        OSError: it cannot be read.
    """
    if not stat.S_ISREG(path.stat().st_mode):
        raise ValueError("it is no regular file")
    return path.read_bytes()


def read_npz(content: bytes) -> dict[str, np.ndarray]:
    """The arrays of a .npz archive's bytes, of which nothing is unpickled.

    Raises:
        ValueError: it is no such archive, is damaged, or claims more numbers than it holds.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for member in archive.infolist():
                with archive.open(member) as file:
                    shape, _, dtype = _HEADERS[np.lib.format.read_magic(file)](file)
                    _check_size(member, shape, dtype)
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            return dict(arrays)
    except Exception as error:  # a damaged archive may raise anything
        raise ValueError(f"no .npz archive that can be read: {error}") from error


def _check_size(member: zipfile.ZipInfo, shape: tuple[int, ...], dtype: np.dtype) -> None:
    """An array is made before it is filled, so what a header claims is to be there."""
    if (claimed := math.prod(shape) * dtype.itemsize) > member.file_size:
        raise ValueError(f"{member.filename} claims {claimed} bytes and has {member.file_size}")
