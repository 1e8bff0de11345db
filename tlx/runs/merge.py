"""Results folders as one: the union of their results, where those of one run agree."""

import dataclasses
import shutil
from collections.abc import Sequence
from pathlib import Path

from tlx.errors import ResultError
from tlx.runs.claims import temporary
from tlx.runs.environment import environment
from tlx.runs.result import Result, Times
from tlx.runs.store import Store, load_all

WHERE = ("command", "environment", "times")  # what says where and when it ran, not what came out


def merge(folders: Sequence[str | Path], out: str | Path) -> list[Path]:
    """Copies the results of folders, and what was kept beside them, to the folder `out`; gives the files copied.

    Of one run, a finished result goes before one that has not finished, and one that is in `out` already, or in an
    earlier folder, before one that equals it but for where and when it ran.

    Raises:
        ResultError: no such folder; two finished results of one run that do not agree, both named, and nothing is
            copied; a file cannot be written.
    """
    home = Store(out)
    homes = [home.folder] if home.folder.is_dir() else []
    chosen: dict[str, tuple[Path, Result]] = {}
    for folder in [*homes, *map(Path, folders)]:
        for result in load_all(folder):
            path, key = Store(folder).path(result.spec), result.spec.hash
            if key not in chosen or (result.finished and not chosen[key][1].finished):
                chosen[key] = path, result
            elif result.finished and _outcome(result) != _outcome(chosen[key][1]):
                fields = _differing(result, chosen[key][1])
                raise ResultError(
                    f"{chosen[key][0]} and {path} are results of one run, {result.spec.label}, and do not agree: "
                    f"{', '.join(fields)}. Nothing was copied; expected equal ones, or one of them removed."
                )
    home.prepare()
    copied = [path for path, _ in chosen.values() if path.parent != home.folder]
    for path in copied:
        for source in (path.with_suffix(".npz"), path):  # the result last: what lies beside it is there then
            if source.exists():
                _copy(source, home.folder / path.name.replace(path.suffix, source.suffix))
    return copied


def _outcome(result: Result) -> Result:
    """A result without where and when it ran."""
    spec = dataclasses.replace(result.spec, plugin_files=(), suite="", weights="", recipe_set=())
    nowhere = {"command": "", "environment": dataclasses.replace(environment(), versions={}), "times": Times("", 0.0)}
    return dataclasses.replace(result, spec=spec, **nowhere)


def _differing(one: Result, other: Result) -> list[str]:
    names = [field.name for field in dataclasses.fields(Result) if field.name not in (*WHERE, "spec")]
    return [name for name in names if getattr(one, name) != getattr(other, name)]


def _copy(source: Path, target: Path) -> None:
    beside = temporary(target)
    try:
        shutil.copyfile(source, beside)
        beside.replace(target)
    except OSError as error:
        raise ResultError(f"{source} cannot be copied to {target}: {error}.") from error
    finally:
        beside.unlink(missing_ok=True)
