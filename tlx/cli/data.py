"""`tlx data`: which datasets are on this machine, getting them, and checking them."""

import json
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from tlx.cli.session import Session, common, pass_session
from tlx.errors import TlxError
from tlx.plugins import Entry

SOUND = {"absent": "absent", "prepared": "prepared by TFDS and not cached yet; nothing was checked"}


@click.group("data")
def command() -> None:
    """Lists, prepares and checks datasets.

    They lie in TLX_DATA_DIR, by default a folder of the user's cache; what TFDS has prepared in TFDS_DATA_DIR is used.
    """


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="A JSON list of objects.")
@common
@pass_session
def list_(session: Session, as_json: bool) -> None:
    """Lists the datasets and what of each is here.

    cached: built; prepared: by TFDS; raw: files not built yet; absent: with the size of its download; made: of no files
    of its own; prefix: stands for many.
    """
    from tlx.store import cache

    rows = [_row(entry) for entry in session.registry.entries("datasets")]
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    click.secho(f"datasets ({len(rows)}) in {cache.home()}", bold=True)
    width = max((len(row["name"]) for row in rows), default=0)
    for row in rows:
        click.echo(f"  {row['name']:{width}}  {row['state']:8}  {_size(row['bytes']):>8}  {row['summary']}".rstrip())


@command.command("info")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@common
@pass_session
def info(session: Session, names: tuple[str, ...]) -> None:
    """Prints all that is known of a dataset.

    Source, licence, raw files with their hashes and hosts, where it lies, and the hash of its content.
    """
    from tlx.store import Prepared, cache

    for name in names:
        entry = session.registry.entry("datasets", name)
        dataset, row = entry.source(), _row(entry)
        click.secho(entry.name, bold=True)
        facts = {"summary": entry.summary, "plugin": entry.plugin, "state": f"{row['state']} {_size(row['bytes'])}"}
        if isinstance(dataset, Prepared):
            facts |= {"where": row["where"], "source": dataset.source, "licence": dataset.licence}
            facts["needs"] = ", ".join(need.name for need in dataset.needs)
            if row["state"] == "cached":
                about, arrays = cache.meta(dataset.place), cache.read(dataset.name, dataset.place)
                facts |= {"content": _content(arrays), "classes": _classes(arrays), "hash": about["hash"]}
            elif row["state"] in ("prepared", "raw"):
                how = f"tlx data prepare {shlex.quote(entry.name)}"
                known = f"{dataset.outline()}; not read yet" if dataset.outline else ""
                facts["content"] = f"{known or 'not read yet; to see rows and classes'}: {how}"
        for key, text in facts.items():
            if text:
                click.echo(f"  {key:8}  {text}")
        for file in getattr(dataset, "files", ()):
            here = "here" if (dataset.folder / file.name).exists() else "not here"
            click.echo(f"  file      {file.name} {_size(file.size)} ({here}) sha256 {file.sha256}")
            for url in file.urls:
                click.echo(f"            {url}")


@command.command("prepare")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@click.option("--from", "given", type=click.Path(exists=True, file_okay=False, path_type=Path), metavar="DIR",
              help="A folder with raw files, known by name or by hash; what is not in it is downloaded.")  # fmt: skip
@common
@pass_session
@click.pass_context
def prepare(ctx: click.Context, session: Session, names: tuple[str, ...], given: Path | None) -> None:
    """Downloads, checks and builds datasets.

    Each file is checked by its SHA-256. A download that was cut short goes on where it stopped. Exits with 1 if one of
    the datasets cannot be had; the others are prepared all the same.
    """
    from tlx.store import Prepared

    failed = 0
    for entry in [session.registry.entry("datasets", name) for name in names]:
        try:
            dataset = entry.source()
            if isinstance(dataset, Prepared):
                with _progress() as progress:
                    loaded = dataset.prepare(given, progress)
            else:
                loaded = entry.load()
            where = f", in {dataset.place}" if isinstance(dataset, Prepared) else ""
            click.echo(f"{entry.name}: {_content(loaded)}{where}")
        except TlxError as error:
            failed += 1
            session.show_traceback(error)
            click.echo(f"Error: {entry.name}: {error}", err=True)
    ctx.exit(1 if failed else 0)


@command.command("verify")
@click.argument("names", nargs=-1, metavar="[NAME...]")
@common
@pass_session
@click.pass_context
def verify(ctx: click.Context, session: Session, names: tuple[str, ...]) -> None:
    """Checks all files of datasets by their SHA-256.

    Without names: of all that are here. Exits with 1 if a file is not what it should be.
    """
    from tlx.store import Prepared
    from tlx.store.inventory import problems, state

    registry, failed = session.registry, 0
    entries = [registry.entry("datasets", name) for name in names] or registry.entries("datasets")
    for entry in entries:
        dataset = None if entry.is_prefix and not names else entry.source()
        if not isinstance(dataset, Prepared):
            if names:
                click.echo(f"{entry.name}: made from no files of its own")
            continue
        damage, kind = problems(dataset), state(dataset).kind
        if damage or kind != "absent" or names:
            click.echo(f"{entry.name}: {'damaged' if damage else SOUND.get(kind, 'sound')}")
        for problem in damage:
            click.echo(f"  {problem}")
        failed += bool(damage)
    ctx.exit(1 if failed else 0)


def _row(entry: Entry) -> dict[str, Any]:
    from tlx.store import Prepared
    from tlx.store.inventory import state

    row = {"name": entry.name, "state": "prefix", "bytes": None, "where": "", "summary": entry.summary}
    if entry.is_prefix:
        return row
    dataset = entry.source()
    if not isinstance(dataset, Prepared):
        return row | {"state": "made"}
    here = state(dataset)
    return row | {"state": here.kind, "bytes": here.size, "where": str(here.where or "")}


def _content(dataset: Any) -> str:
    rows = f"{len(dataset.train.y):,} train and {len(dataset.test.y):,} test rows"
    real = dataset.target_kind == "real"
    targets = f"{dataset.train.y.shape[1]} real targets" if real else f"{len(dataset.classes)} classes"
    return f"{rows}, {_shape(dataset)}, {targets}"


def _classes(dataset: Any) -> str:
    """The classes with their train and test rows: "cat 4 + 1, dog 8 + 2"."""
    y = [split.y.tolist() for split in (dataset.train, dataset.test)]
    return ", ".join(f"{name} {y[0].count(label)} + {y[1].count(label)}" for label, name in enumerate(dataset.classes))


def _shape(dataset: Any) -> str:
    """What a row is, in a few words: "28x28 grey", "vector 84", "sequence 128x9"; of a tree the kind alone."""
    kind, shape = dataset.input.kind, getattr(dataset.train.x, "shape", (0,))[1:]
    if kind == "image" and shape:
        height, width, channels = shape
        return f"{height}x{width} {'RGB' if channels == 3 else 'grey'}"
    return f"{kind} {'x'.join(map(str, shape))}".strip()


def _size(count: int | None) -> str:
    if not count:
        return ""
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= scale:
            return f"{count / scale:.1f} {unit}"
    return f"{count} B"


@contextmanager
def _progress() -> Iterator[Any]:
    """A bar for each file that comes in, on stderr."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    bars: dict[str, Any] = {}
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as shown:

        def progress(file: Any, done: int, total: int | None) -> None:
            if file.name not in bars:
                bars[file.name] = shown.add_task(file.name, total=total)
            shown.update(bars[file.name], completed=done, total=total)

        yield progress
