"""A folder of results: one JSON file a run, there in full or not at all."""

import errno
import io
import logging
import os
import re
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from tlx.errors import ResultError, SettingError
from tlx.runs.result import Result
from tlx.runs.spec import Spec

NAME = re.compile(r".+\.[0-9a-f]{12}\.json")
TRIAL = b"\0" * 65536
log = logging.getLogger(__name__)


class Store:
    """The results folder of a suite or of single runs."""

    def __init__(self, folder: str | Path):
        self.folder = Path(folder)

    def prepare(self) -> None:
        """Makes the folder, and finds out before the first run whether a result can be written there.

        Raises:
            ResultError: it is a file, there is no permission, or the disk is full.
        """
        trial = self.folder / f".trial.{os.getpid()}.tmp"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            _write(trial, TRIAL)
        except OSError as error:
            raise self._error("cannot hold results", error) from error
        finally:
            _remove(trial)

    def path(self, spec: Spec) -> Path:
        """The file of a run."""
        return self.folder / f"{spec.file_name}.json"

    def read(self, spec: Spec) -> Result | None:
        """The result of a run; None where there is none. A damaged file is named in the log and set aside.

        Raises:
            ResultError: the file cannot be read, or another version of tlx wrote it.
        """
        path = self.path(spec)
        try:
            result = _parse(path)
            if result.spec.hash != spec.hash:
                raise ValueError("it holds another run")
            return result
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._error(f"cannot be read ({path.name})", error) from error
        except (KeyError, ValueError, SettingError) as error:
            self._set_aside(path, error)
            return None

    def write(self, result: Result) -> Path:
        """Writes a result: to a file beside, to the disk, and then under its name in one step.

        Raises:
            ResultError: no permission, a full disk; nothing half-written is left, and what was there is still there.
        """
        path = self.path(result.spec)
        self._put(path, result.text().encode(), result.spec)
        return path

    def keep(self, spec: Spec, arrays: Mapping[str, np.ndarray]) -> Path:
        """Writes the embedding of a run (`tlx.runs.embedding`) beside its result, as .npz.

        Raises:
            ResultError: as `write`.
        """
        path = self.path(spec).with_suffix(".npz")
        buffer = io.BytesIO()
        np.savez_compressed(buffer, allow_pickle=False, **arrays)
        self._put(path, buffer.getvalue(), spec)
        return path

    def kept(self, spec: Spec) -> dict[str, np.ndarray] | None:
        """What `keep` wrote; None where there is none, or it is damaged, which the log says."""
        path = self.path(spec).with_suffix(".npz")
        try:
            with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as file:
                return dict(file)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            log.warning("%s is damaged (%s): left out", path, error)
            return None

    def _put(self, path: Path, content: bytes, spec: Spec) -> None:
        beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        try:
            _write(beside, content)
            os.replace(beside, path)
        except OSError as error:
            raise self._error(f"cannot take the result of {spec.label}", error) from error
        finally:
            _remove(beside)

    def _set_aside(self, path: Path, error: Exception) -> None:
        aside = path.with_name(f"{path.name}.damaged")
        try:
            os.replace(path, aside)
        except OSError as failure:
            raise self._error(f"has the damaged file {path.name}, which cannot be set aside", failure) from failure
        log.warning("%s is damaged (%s): set aside as %s, run again", path, _reason(error), aside.name)

    def _error(self, what: str, error: OSError) -> ResultError:
        reasons = {errno.ENOSPC: "the disk is full", errno.EDQUOT: "the disk quota is used up"}
        if isinstance(error, FileExistsError | NotADirectoryError):
            reason = "it is a file, or lies in one; expected a folder"
        elif isinstance(error, PermissionError) or error.errno == errno.EROFS:
            reason = "no permission to write or read there"
        else:
            reason = reasons.get(error.errno or 0, str(error))
        return ResultError(f"Results folder '{self.folder}' {what}: {reason}.")


def load_all(folder: str | Path) -> list[Result]:
    """All results of a folder, sorted by file name. Files that are no results are passed over, damaged ones named.

    Raises:
        ResultError: there is no such folder, it cannot be read, or another version of tlx wrote a result in it.
    """
    folder = Path(folder)
    if not folder.is_dir():
        what = "is a file" if folder.exists() else "does not exist"
        raise ResultError(f"Results folder '{folder}' {what}; expected a folder that `tlx bench` or `tlx run` wrote.")
    results = []
    try:
        for path in sorted(path for path in folder.iterdir() if NAME.fullmatch(path.name)):
            try:
                results.append(_parse(path))
            except (KeyError, ValueError, SettingError) as error:
                log.warning("%s is damaged (%s): left out; the next `tlx bench` sets it aside", path, _reason(error))
    except OSError as error:
        raise ResultError(f"Results folder '{folder}' cannot be read: {error}.") from error
    return results


def _parse(path: Path) -> Result:
    text = path.read_bytes()
    try:
        return Result.parse(text)
    except ResultError as error:
        raise ResultError(f"{path}: {error}") from error


def _write(path: Path, content: bytes) -> None:
    with open(path, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())  # before the rename, or a power cut could leave the name without the content


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError:  # the folder that was refused has no such file either
        pass


def _reason(error: Exception) -> str:
    return f"no {error}" if isinstance(error, KeyError) else str(error)
