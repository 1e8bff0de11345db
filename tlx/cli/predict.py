"""`tlx predict`: classes of new rows, by a model that a run saved."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tlx.cli.session import Session, common, pass_session
from tlx.counted import counted
from tlx.errors import DataError, ResultError, SettingError, UnknownName
from tlx.printable import no_formula

if TYPE_CHECKING:
    import numpy as np

    from tlx.trained.trained import Trained

SHOWN = 100  # rows that are printed; a CSV file has all


@click.command("predict")
@click.argument("run", metavar="RUN")
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@click.option("--csv", "file", metavar="FILE", help="The file to write every row to, with commas between.")
@click.option(
    "--top", type=click.IntRange(1), default=1, show_default=True, metavar="K", help="The K likeliest classes."
)
@click.option("--probabilities", is_flag=True, help="The probability of every class.")
@click.option("--seed", type=click.IntRange(0), metavar="N", help="The model of that seed, rather than the first.")
@click.option("--split", type=click.Choice(["test", "train"]), default="test", show_default=True,
              help="Which rows of a dataset that is an input.")  # fmt: skip
@click.option("--other-code", is_flag=True, help="Go on where the code is another than the model was trained by.")
@common
@pass_session
def command(
    session: Session,
    run: str,
    inputs: tuple[str, ...],
    file: str | None,
    top: int,
    probabilities: bool,
    seed: int | None,
    split: str,
    other_code: bool,
) -> None:
    """Predicts new rows by a model that a run saved: tlx run ... --save RUN.

    INPUT is an image file, a folder of images (those in folders below too), an array in a .npy or .npz file, or the
    name of a dataset, of which the test rows are taken. Prints path, class and probability.
    """
    if file is not None and (not file.strip() or Path(file).is_dir()):
        raise ResultError(f"--csv is '{file}'; expected the path of a file to write to")
    model = session.lab().load(run, seed, allow_other_code=other_code)
    if not model.class_names and (top > 1 or probabilities):
        raise SettingError("The model gives real numbers; --top and --probabilities are for classes")
    if model.note:
        click.echo(f"Note: {model.note}.", err=True)
    failed: dict[str, str] = {}
    table: list[list[Any]] = []
    files: list[str] = []
    for text in inputs:
        if (path := _path(text)) is not None and path.is_dir():
            files += _below(path)
        elif path is not None and path.suffix.lower() not in (".npy", ".npz"):
            files.append(text)
        else:
            names, x, y, told = _array(path) if path is not None else _dataset(session, model, text, split)
            table += _rows(model, names, model.outputs(x).logits, top, probabilities)
            _score(model, told, table[-len(names) :], y)
    if files:
        wrong: dict[int, str] = {}
        logits = model.outputs(files, wrong).logits
        failed = {files[row]: reason for row, reason in wrong.items()}
        good = [row for row in range(len(files)) if row not in wrong]
        table += _rows(model, [files[row] for row in good], logits[good], top, probabilities)
    _show(_columns(model, top, probabilities), table, file)
    if failed:
        raise DataError(
            f"{len(failed)} of {len(files)} images cannot be read, and are left out. {' '.join(failed.values())}"
        )


def _path(text: str) -> Path | None:
    """The path of a file or folder; None where there is none."""
    try:
        path = Path(text).expanduser()
        return path if path.exists() else None
    except (OSError, RuntimeError):  # a name that is too long, or of no user
        return None


def _below(folder: Path) -> list[str]:
    """The images under a folder, in order; what is none is skipped and counted."""
    from tlx.data import IMAGE_SUFFIXES

    every = [
        path
        for path in sorted(folder.rglob("*"))
        if not any(part.startswith(".") for part in path.relative_to(folder).parts)
    ]
    found = [path for path in every if path.suffix.lower() in IMAGE_SUFFIXES and path.is_file()]
    skipped = [path for path in every if path.suffix.lower() not in IMAGE_SUFFIXES and not path.is_dir()]
    if skipped:
        click.echo(f"{folder}: {counted(len(skipped), 'file')} skipped, no images, as {skipped[0].name}", err=True)
    if not found:
        raise DataError(f"{folder} holds no image; expected files of {', '.join(sorted(IMAGE_SUFFIXES))}")
    return [str(path) for path in found]


def _array(path: Path) -> tuple[list[str], "np.ndarray", None, str]:
    """The rows of a .npy or .npz file, of which nothing is unpickled: its array `x`, or its only one."""
    import numpy as np

    from tlx.data.file import read_npz, regular_bytes

    try:
        if path.suffix.lower() == ".npz":
            found = read_npz(regular_bytes(path))
            if "x" not in found and len(found) != 1:
                raise ValueError(f"it holds {', '.join(found) or 'nothing'}; expected an array x, or one array")
            x: Any = found["x"] if "x" in found else next(iter(found.values()))
        else:
            if not path.is_file():
                raise OSError("it is no regular file")
            x = np.load(path, mmap_mode="r", allow_pickle=False)
    except Exception as error:  # a damaged archive may raise anything
        raise DataError(f"The array {path} cannot be read: {error}") from error
    return [f"{path}[{row}]" for row in range(len(x) if x.ndim else 0)], x, None, str(path)


def _dataset(
    session: Session, model: "Trained", name: str, split: str
) -> tuple[list[str], Any, Sequence[str] | None, str]:
    """The rows of a split of a dataset, their names, and their classes where the model has them all."""
    try:
        dataset = session.registry.get("datasets", name)
    except UnknownName as error:
        raise DataError(f"INPUT '{name}' is no file, no folder, and no dataset. {error}") from error
    part = getattr(dataset, split)
    if dataset.input.kind != model.about.facts.input.kind:
        kinds = f"rows of kind {dataset.input.kind}; the model takes {model.about.facts.input.kind}"
        raise DataError(f"Dataset '{name}' has {kinds}.")
    known = set(dataset.classes) <= set(model.class_names) and bool(dataset.classes)
    y = [dataset.classes[label] for label in part.y] if known else None
    return list(map(str, part.origin)), part.x, y, f"{name}, {split} split"


def _rows(model: "Trained", names: list[str], logits: "np.ndarray", top: int, every: bool) -> list[list[Any]]:
    """A row of the table for each row: its name, classes and probabilities; or its real numbers."""
    from tlx.trained.trained import softmax

    if not model.class_names:
        return [[name, *map(float, row)] for name, row in zip(names, logits, strict=True)]
    out = []
    for name, row in zip(names, softmax(logits), strict=True):
        best = (-row).argsort(kind="stable")[:top]
        pairs = [value for place in best for value in (model.class_names[place], float(row[place]))]
        out.append([name, *pairs, *(map(float, row) if every else ())])
    return out


def _columns(model: "Trained", top: int, every: bool) -> list[str]:
    if not model.class_names:
        return ["row", *(f"output {place}" for place in range(model.about.facts.outputs))]
    count = min(top, len(model.class_names))
    ranks = [""] + [f" {place}" for place in range(2, count + 1)]
    pairs = [f"{word}{rank}" for rank in ranks for word in ("class", "probability")]
    return ["row", *pairs, *((f"p({name})" for name in model.class_names) if every else ())]


def _score(model: "Trained", told: str, table: list[list[Any]], y: Sequence[str] | None) -> None:
    """Says what was predicted, and how many rightly where the labels are there."""
    right = (
        ""
        if y is None
        else f"; accuracy {sum(row[1] == name for row, name in zip(table, y, strict=True)) / len(y):.4f}"
    )
    click.echo(f"{told}: {len(table):,} rows{right}", err=True)


def _show(columns: list[str], table: list[list[Any]], file: str | None) -> None:
    from tlx.report.tables import Table
    from tlx.report.terminal import render

    if file is not None:
        _write(Path(file), columns, table)
        click.echo(f"wrote {len(table):,} rows to {file}", err=True)
    texts = [tuple(_printed(value) for value in row) for row in table[:SHOWN]]
    notes = [f"... and {len(table) - SHOWN:,} rows more; --csv FILE has all"] if len(table) > SHOWN else []
    if table:
        click.echo(render([Table("", tuple(columns), texts, notes)]).rstrip("\n"))


def _printed(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.3f}"
    return "".join(mark if mark.isprintable() else "?" for mark in value)


def _write(path: Path, columns: list[str], table: list[list[Any]]) -> None:
    """A whole file or none. A text that a spreadsheet would take for a formula has a ' before it."""
    from tlx.store.file import write_whole

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for row in [columns, *table]:
        writer.writerow([f"{value:.6g}" if isinstance(value, float) else no_formula(value) for value in row])
    try:
        write_whole(path, text.getvalue().encode(errors="backslashreplace"))
    except OSError as error:
        raise ResultError(f"The predictions cannot be written to '{path}': {error.strerror or error}.") from error
