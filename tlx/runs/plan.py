"""A plan: the runs that a folder is to hold, in a file there, so that a worker anywhere knows what to do."""

import dataclasses
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tlx import __version__
from tlx.errors import ResultError, SettingError
from tlx.runs.claims import temporary
from tlx.runs.fingerprint import engine_fingerprint, fingerprint
from tlx.runs.resolve import Job
from tlx.runs.spec import Spec
from tlx.runs.store import Store

FORMAT = 1
NAME = "plan.json"


class Plan(NamedTuple):
    """Runs, and what they were planned with: the version of tlx, its engine, the code of strategies and backbones."""

    specs: list[Spec]
    tlx: str
    engine: str
    codes: dict[str, str]

    def check(self, jobs: Sequence[Job]) -> None:
        """Raises ResultError where this process has other code than the one that planned."""
        if (self.tlx, self.engine) != (__version__, engine_fingerprint()):
            same = " of other code" if self.tlx == __version__ else ""
            raise ResultError(f"The plan is of tlx {self.tlx}{same}, and this is tlx {__version__}; expected the same.")
        for name, code in _codes(jobs).items():
            if self.codes.get(name) != code:
                raise ResultError(
                    f"The plan is of other code of the {name} than this process has; expected the same version of its "
                    "plugin, or a new plan."
                )


def made_with(jobs: Sequence[Job]) -> dict[str, Any]:
    """What jobs are planned with, as JSON values: the fields of a `Plan` but for its specs."""
    return {"tlx": __version__, "engine": engine_fingerprint(), "codes": _codes(jobs)}


def write_plan(store: Store, jobs: Sequence[Job]) -> Path:
    """Writes the plan of a folder, in the place of an earlier one, and gives its path.

    Raises:
        ResultError: the folder cannot be written.
    """
    store.prepare()
    path = store.folder / NAME
    plan = made_with(jobs)
    specs = [dataclasses.replace(job.spec, plugin_files=_absolute(job.spec)).to_json() for job in jobs]
    beside = temporary(path)
    try:
        beside.write_text(json.dumps({"format": FORMAT, **plan, "specs": specs}, indent=1))
        os.replace(beside, path)
    except OSError as error:
        raise ResultError(f"The plan {path} cannot be written: {error}.") from error
    finally:
        beside.unlink(missing_ok=True)
    return path


def read_plan(store: Store) -> Plan:
    """The plan of a folder; the plugin files of its runs are those of `specs[0]`.

    Raises:
        ResultError: there is none, it is damaged, or another version of tlx wrote it.
    """
    path = store.folder / NAME
    try:
        fields = json.loads(path.read_bytes())
        if fields["format"] != FORMAT:
            raise ResultError(f"{path} has the format {fields['format']!r}; this tlx reads {FORMAT}.")
        specs = [Spec.from_json(spec) for spec in fields["specs"]]
        codes = {str(name): str(code) for name, code in fields["codes"].items()}
        if not specs:
            raise ValueError("it has no runs")
        return Plan(specs, str(fields["tlx"]), str(fields["engine"]), codes)
    except FileNotFoundError:
        raise ResultError(f"There is no {path}; expected one that `tlx bench SUITE --plan --out DIR` wrote.") from None
    except OSError as error:
        raise ResultError(f"{path} cannot be read: {error}.") from error
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, SettingError) as error:
        raise ResultError(f"{path} is damaged ({error}); expected a new one: tlx bench SUITE --plan.") from error


def _absolute(spec: Spec) -> tuple[str, ...]:
    return tuple(os.path.abspath(file) for file in spec.plugin_files)


def _codes(jobs: Sequence[Job]) -> dict[str, str]:
    codes = {f"strategy '{job.spec.strategy}'": fingerprint(type(job.strategy)) for job in jobs}
    return codes | {f"backbone '{job.spec.backbone}'": fingerprint(job.backbone) for job in jobs}
