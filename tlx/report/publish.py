"""A results folder as one folder for a static host or a dataset hub: page, tables, results, checksums."""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Sequence
from pathlib import Path, PurePath
from typing import Any

from tlx.errors import ResultError
from tlx.report import render
from tlx.report.results import Results
from tlx.runs.claims import temporary
from tlx.runs.result import Result
from tlx.runs.spec import Spec, digest
from tlx.runs.store import Store

SUMS = "SHA256SUMS"
TABLES = {"index.html": "html", "table.csv": "csv", "table.json": "json", "table.md": "markdown"}
README = """---
configs:
- config_name: default
  data_files: table.csv
---
# {title}

{count} results of tlx, each a mean over seeds with its 95% interval and selection policy.

- `index.html`: the page with tables, curves and settings; it needs no other file.
- `table.md`, `table.csv`, `table.json`: a line for each run and selection policy.
- `results/`: a file for each run, which `tlx report results` and `tlx merge` read.
- `SHA256SUMS`: `sha256sum -c SHA256SUMS` says whether a file has changed.

Of folders and files of the machine where it ran, only the last part of the path is kept; tracebacks are left out.
"""
ROOTED = r"(?:~|[A-Za-z]:[\\/]|/)"
QUOTED = re.compile(rf"(?<=['\"]){ROOTED}[^'\"\n]*[\\/](?=[^'\"\\/\n]+['\"])")
BARE = re.compile(rf"(?<![\w.~/\\-]){ROOTED}(?=[^\s'\":;,()<>\\/])(?:[^\s'\":;,()<>\\/]+[\\/])*")
DATASET = re.compile(rf"(\w+:){ROOTED}[^@?]*[\\/]")


class _Kept(Store):
    """The embeddings of a folder, by the specs that are published."""

    def __init__(self, folder: Path, specs: dict[str, Spec]):
        super().__init__(folder)
        self.specs = specs

    def kept(self, spec: Spec) -> Any:
        return super().kept(self.specs[spec.hash])


def publish(folder: str | Path, out: str | Path, title: str = "") -> Path:
    """Writes the results of a folder, with all that shows them, as the folder `out`, whole or not at all.

    An earlier publication there is replaced. Paths of this machine are cut to their last part.

    Raises:
        ResultError: no such folder, no result in it, two results that are one without their paths; `out` is something
            else, or cannot be written.
    """
    results, target = Results.load(folder), Path(os.path.abspath(out))
    if target.exists() and not (target / SUMS).is_file() and (not target.is_dir() or any(target.iterdir())):
        raise ResultError(f"'{out}' is there and is no publication of tlx; expected a path where nothing is.")
    shown = [without_paths(result) for result in results]
    specs = {new.spec.hash: old.spec for new, old in zip(shown, results, strict=True)}
    if len(specs) < len(shown):
        hashes = [result.spec.hash for result in shown]
        same = [old.spec.label for old, key in zip(results, hashes, strict=True) if hashes.count(key) > 1]
        raise ResultError(f"Without their paths these are one run: {' and '.join(same[:2])}; expected other names.")
    aside = temporary(target)
    try:
        _write(aside, _files(shown, _Kept(Path(folder), specs), title or Path(os.path.abspath(folder)).name))
        _exchange(aside, target)
    except OSError as error:
        raise ResultError(f"'{out}' cannot be written: {error.strerror or error}.") from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return target


def without_paths(result: Result) -> Result:
    """A result whose texts name no folder of the machine where it ran; its hash is that of what is left."""
    fields = result.to_json()
    del fields["digest"]
    spec = fields["spec"]
    spec["plugin_files"] = [PurePath(file).name for file in spec["plugin_files"]]
    spec["task"] = "".join(DATASET.sub(r"\1", part) for part in re.split(r"(->|\+)", spec["task"]))
    if re.match(ROOTED, spec.get("weights") or ""):
        spec["weights"] = PurePath(spec["weights"]).name
    fields = _cut({**fields, "traceback": None})
    fields["command"] = Spec.from_json(fields["spec"]).command
    fields["hash"] = digest(fields["spec"])
    return Result.parse(json.dumps(fields))


def _cut(value: Any) -> Any:
    if isinstance(value, str):
        return BARE.sub("", QUOTED.sub("", value))
    if isinstance(value, dict):
        return {key: _cut(item) for key, item in value.items()}
    return [_cut(item) for item in value] if isinstance(value, list | tuple) else value


def _files(results: Sequence[Result], kept: Store, title: str) -> dict[str, str]:
    options = {"html": {"store": kept, "title": title}}
    files = {name: render(results, style, **options.get(style, {})) for name, style in TABLES.items()}
    files |= {f"results/{result.spec.file_name}.json": result.text() for result in results}
    files["README.md"] = README.format(title=title, count=len(results))
    sums = [f"{hashlib.sha256(text.encode()).hexdigest()}  {name}\n" for name, text in sorted(files.items())]
    return {**files, SUMS: "".join(sums)}


def _write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())


def _exchange(aside: Path, target: Path) -> None:
    """Puts a folder in the place of another one, which comes back where that fails."""
    before = temporary(target)
    if target.exists():
        os.rename(target, before)
    try:
        os.rename(aside, target)
    except OSError:
        if before.exists():
            os.rename(before, target)
        raise
    shutil.rmtree(before, ignore_errors=True)
