"""A folder of results: one JSON file a run, there in full or not at all."""

import contextlib
import errno
import io
import logging
import os
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from tlx.data.file import read_npz, regular_bytes
from tlx.errors import ResultError, SettingError
from tlx.runs.claims import Claims, alive, temporary, this_host
from tlx.runs.result import Result
from tlx.runs.spec import Spec, joint_hash

NAME = re.compile(r".+\.[0-9a-f]{12}\.json")
TEMPORARY = re.compile(
    r"\.(trial|plan\.json|.+\.[0-9a-f]{12}\..+?)\.((?P<host>[\w-]+)\.(?P<process>\d{1,9})\.[0-9a-f]{8}|\d+)\.tmp"
)
STALE = 3600  # seconds
TRIAL = b"\0" * 65536
log = logging.getLogger(__name__)


class Store:
    """The results folder of a suite or of single runs.

    It may hold other files too: NAME.failed.json and NAME.json.old (see `write`), NAME.json.damaged (see `read`), the
    claims of `tlx.runs.claims`, and what runs save to go on from.
    """

    def __init__(self, folder: str | Path):
        self.folder = Path(folder)
        self.claims = Claims(self.folder)
        self.prepared = 0  # by the clock of the folder, in nanoseconds

    def prepare(self, tidy: bool = True) -> None:
        """Makes the folder, and finds out before the first run whether a result can be written there.

        What processes that are gone left half-written is removed, but not without `tidy`.

        Raises:
            ResultError: it is a file, there is no permission, or the disk is full.
        """
        trial = temporary(self.folder / "trial")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            _write(trial, TRIAL)
            self.prepared = trial.stat().st_mtime_ns
            if tidy:
                self.tidy()
        except OSError as error:
            raise self._error("cannot hold results", error) from error
        finally:
            _remove(trial)

    def tidy(self) -> None:
        """Removes what processes that are gone left half-written, and their claims."""
        _remove_leftovers(self.folder)
        self.claims.clean()

    def names(self) -> set[str]:
        """The names in the folder.

        Raises:
            ResultError: it cannot be read.
        """
        try:
            return set(os.listdir(self.folder))
        except OSError as error:
            raise self._error("cannot be read", error) from error

    def path(self, spec: Spec) -> Path:
        """The file of a run."""
        return self.folder / f"{spec.file_name}.json"

    def path_beside(self, spec: Spec) -> Path:
        """The file of a run that failed, or whose data are absent, where an earlier one of its spec finished."""
        return self.folder / f"{spec.file_name}.failed.json"

    def carry(self, specs: Sequence[Spec]) -> Path:
        """The hidden folder of what runs that are one grid save to go on from."""
        return self.folder / f".{joint_hash(specs)[:12]}"

    def is_new(self, spec: Spec) -> bool:
        """Whether the file of a run was written after `prepare`."""
        try:
            return self.path(spec).stat().st_mtime_ns > self.prepared > 0
        except OSError:
            return False

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
        """Writes a result: to a file beside, to the disk, and then under its name in one step. Gives its path.

        A finished result stays until another one has finished: one that has not is written to `path_beside`. Where
        code or data have changed since, the old one is kept as NAME.json.old, the newest only.

        Raises:
            ResultError: no permission, a full disk; nothing half-written is left, and what was there is still there.
        """
        spec, content = result.spec, result.text().encode()
        path, beside = self.path(spec), self.path_beside(spec)
        there = self._there(spec)
        if there is not None and not result.finished:
            self._put(beside, content, spec)
            return beside
        if there is not None and there != _made_from(result):
            self._put(path.with_name(f"{path.name}.old"), self._content(path), spec)
        self._put(path, content, spec)
        if result.finished:
            _remove(beside)
        return path

    @contextlib.contextmanager
    def claim(self, specs: Sequence[Spec], wait: bool = False) -> Iterator[bool]:
        """Holds the claims of runs within a `with`, whose value is False where another process has one of them.

        With `wait` it waits for that one; see `tlx.runs.claims`. Where none can be had, the log says so, and the value
        is True.
        """
        with contextlib.ExitStack() as held:
            try:
                mine = held.enter_context(self.claims.hold([spec.file_name for spec in specs], wait))
            except OSError as error:
                log.warning("%s cannot hold claims (%s): another process may do the same run", self.folder, error)
                mine = True
            yield mine

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
            return read_npz(regular_bytes(path))
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            log.warning("%s is damaged (%s): left out", path, error)
            return None

    def _there(self, spec: Spec) -> tuple[object, ...] | None:
        """What the finished result that is there was made from; () of one that cannot be read, which may be one."""
        try:
            there = self.read(spec)
        except ResultError:
            return ()
        return _made_from(there) if there and there.finished else None

    def _content(self, path: Path) -> bytes:
        try:
            return path.read_bytes()
        except OSError as error:
            raise self._error(f"cannot be read ({path.name})", error) from error

    def _put(self, path: Path, content: bytes, spec: Spec) -> None:
        beside = temporary(path)
        try:
            _write(beside, content)
            os.replace(beside, path)
        except OSError as error:
            raise self._error(f"cannot take the result of {spec.label}", error) from error
        finally:
            _remove(beside)

    def _set_aside(self, path: Path, error: Exception) -> None:
        aside, number = path.with_name(f"{path.name}.damaged"), 1
        while os.path.lexists(aside):  # each may be all that is left of a result
            number += 1
            aside = path.with_name(f"{path.name}.damaged.{number}")
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


def _made_from(result: Result) -> tuple[object, ...]:
    return result.code, result.data_hash, result.identity


def results_folder(folder: str | Path) -> Path:
    """A folder that is there to be read. Raises ResultError where there is none."""
    folder = Path(folder)
    if not folder.is_dir():
        what = "is a file" if folder.exists() else "does not exist"
        raise ResultError(f"Results folder '{folder}' {what}; expected a folder that `tlx bench` or `tlx run` wrote.")
    return folder


def load_all(folder: str | Path) -> list[Result]:
    """All results of a folder, sorted by file name. Files that are no results are passed over.

    Damaged ones, those of another version of tlx, and those that cannot be read are named in the log and left out.

    Raises:
        ResultError: there is no such folder, or it cannot be read.
    """
    folder = results_folder(folder)
    try:
        paths = sorted(path for path in folder.iterdir() if NAME.fullmatch(path.name))
    except OSError as error:
        raise ResultError(f"Results folder '{folder}' cannot be read: {error}.") from error
    return [result for path in paths if (result := _parse_or_name(path)) is not None]


def _parse_or_name(path: Path) -> Result | None:
    try:
        return _parse(path)
    except (KeyError, ValueError, SettingError) as error:
        log.warning("%s is damaged (%s): left out; the next `tlx bench` sets it aside", path, _reason(error))
    except (OSError, ResultError) as error:
        log.warning("%s: left out", error)
    return None


def _parse(path: Path) -> Result:
    text = regular_bytes(path)
    try:
        return Result.parse(text)
    except ResultError as error:
        raise ResultError(f"{path}: {error}") from error


def _remove_leftovers(folder: Path) -> None:
    for path in folder.glob(".*.tmp"):
        if name := TEMPORARY.fullmatch(path.name):
            try:
                gone = name["host"] == this_host() and not alive(int(name["process"]))
                if gone or time.time() - path.lstat().st_mtime > STALE:
                    path.unlink()
            except OSError:  # its process has just removed it, or it is another user's
                pass


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
