"""A table that a program computes: run once, kept as JSON in the table's folder, and read from there."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tlx.errors import ResultError, SettingError, UnknownName
from tlx.plugins import Registry
from tlx.reproduce.table import ProgramTable
from tlx.reproduce.verdicts import Cell
from tlx.store.file import write_whole

FILE = "cells.json"


def refuse_choices(table: ProgramTable, **given: Any) -> None:
    """Refuses what a program has no choice of, as its budget and seeds.

    Raises:
        SettingError: one is given.
    """
    if names := [name for name, value in given.items() if value]:
        raise SettingError(
            f"Table '{table.name}' is a program, which has its own {' and '.join(names)}; expected tasks, methods or "
            "out alone"
        )


def computed(table: ProgramTable, registry: Registry, folder: Path) -> Any:
    """What the table's program finds, from the folder where it is there already, else computed and kept there.

    Raises:
        ResultError: the folder has a file of that name that cannot be read.
        TlxError: a dataset is unknown or absent.
    """
    if (found := kept(folder)) is None:
        found = table.compute(lambda name: registry.get("datasets", name))
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(folder / FILE, (json.dumps(found) + "\n").encode())
    return found


def kept(folder: Path) -> Any:
    """What the folder has of a program; None where it has nothing.

    Raises:
        ResultError: the file cannot be read.
    """
    path = folder / FILE
    try:
        return json.loads(path.read_text("utf-8")) if path.is_file() else None
    except (OSError, ValueError, RecursionError) as error:
        raise ResultError(f"{path} is no JSON that can be read: {error}. Move it away to compute it again.") from None


def cells_of(table: ProgramTable, found: Any, tasks: Sequence[str] | None, methods: Sequence[str] | None) -> list[Cell]:
    """The table's cells, or those of some tasks and methods.

    Raises:
        ResultError: what was kept is not what the program gives.
        UnknownName: no such task or method.
    """
    try:
        cells = list(table.cells(found))
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise ResultError(f"What is kept of table '{table.name}' is not what its program gives: {error!r}.") from error
    for key, names in (("task", tasks), ("method", methods)):
        known = {cell[key] for cell in cells}
        if odd := [name for name in names or () if name not in known]:
            raise UnknownName(f"{key} of table '{table.name}'", odd[0], known)
        cells = [cell for cell in cells if names is None or cell[key] in names]
    return cells
