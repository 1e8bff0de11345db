"""One file from one host by HTTP: resumable, hashed, and given its name only when it is whole."""

import http.client
import os
import ssl
import urllib.error
import urllib.request
from pathlib import Path

from tlx.errors import DataError
from tlx.store.file import File, Progress, mismatch

TIMEOUT = 30.0  # seconds without a byte
BLOCK = 1 << 20
TRIES = 3


def download(file: File, url: str, path: Path, progress: Progress | None = None) -> Path:
    """Downloads `url` to `path`, going on from what lies in "<path>.part".

    Raises:
        DataError: the host does not answer, answers with an error, stops early, or sends what has another hash.
    """
    part = path.with_name(f"{path.name}.part")
    resumed = _size(part) > 0
    if not resumed or mismatch(file, part) is not None:
        _receive_all(file, url, part, progress)
    wrong = mismatch(file, part)
    if wrong is not None and resumed:  # its beginning may have come from another host
        part.unlink()
        _receive_all(file, url, part, progress)
        wrong = mismatch(file, part)
    if wrong is not None:
        part.unlink()
        raise DataError(wrong)
    os.replace(part, path)
    return path


def _receive_all(file: File, url: str, part: Path, progress: Progress | None) -> None:
    """Receives until the host has no more; a connection that breaks is taken up again as long as it brings bytes."""
    for left in reversed(range(TRIES)):
        before = _size(part)
        try:
            return _receive(file, url, part, progress)
        except DataError:
            if not left or _size(part) <= before:
                raise


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _receive(file: File, url: str, part: Path, progress: Progress | None) -> None:
    done = _size(part)
    headers = {"User-Agent": "tlx", "Accept-Encoding": "identity"}
    if done:
        headers["Range"] = f"bytes={done}-"
    try:
        request = urllib.request.Request(url, headers=headers)
        with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
            if answer.status != 206:  # the host sends it from the start
                done = 0
            length = answer.headers.get("Content-Length")
            total = file.size if length is None else done + int(length)
            with part.open("ab" if done else "wb") as stream:
                while block := answer.read1(BLOCK):  # what has come so far
                    stream.write(block)
                    done += len(block)
                    if progress is not None:
                        progress(file, done, total)
    except urllib.error.HTTPError as error:
        if error.code == 416 and done:  # the part is no beginning of what the host has
            part.unlink()
            return _receive(file, url, part, progress)
        raise DataError(f"HTTP {error.code} {error.reason}") from error
    except (
        urllib.error.URLError,
        http.client.HTTPException,
        TimeoutError,
        ConnectionError,
        ssl.SSLError,
        ValueError,
    ) as error:
        reason = getattr(error, "reason", None) or error
        raise DataError(f"{type(error).__name__}: {reason}") from error
    if total is not None and done < total:
        raise DataError(f"stopped after {done} of {total} bytes; the next try goes on from there")
