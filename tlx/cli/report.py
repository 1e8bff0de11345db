"""`tlx report`: the table of a results folder, or a figure of it."""

import io
from functools import partial
from pathlib import Path

import click

from tlx.cli.session import Session, common, names, pass_session
from tlx.errors import ResultError, SettingError

OF_TABLES = ("overview", "selectors")
OF_FIGURES = ("width", "tasks", "strategies", "selection")


@click.command("report")
@click.argument("folder", metavar="DIR")
@click.option(
    "--format",
    "style",
    metavar="NAME",
    help="terminal, markdown, latex, csv, json, html; of a figure pdf, svg, png.  [default: terminal; pdf, or as FILE]",
)
@click.option(
    "--overview", metavar="SELECTION", help="One table for all tasks, of one selection: last, source-val, ..."
)
@click.option("--selectors", is_flag=True, help="What each selection policy picks, and how well it ranks.")
@click.option("--baseline", metavar="NAME", help="A strategy to test all others against, on the shared seeds.")
@click.option("--interval", default="t", show_default=True, help="t or bootstrap.")
@click.option("--figure", metavar="NAME", help="A figure for a paper, not a table: tlx list figures.")
@click.option("--width", metavar="W", help="Of a figure: single or double, columns of a page, or inches.")
@click.option("--tasks", callback=names, metavar="A,B", help="Only these tasks in a figure.")
@click.option("--strategies", callback=names, metavar="A,B", help="Only these strategies in a figure.")
@click.option("--selection", metavar="NAME", help="The selection policy of a figure's scores.  [default: last]")
@click.option(
    "--out", metavar="FILE", help="The file to write to; without it a table is printed, a figure is NAME.pdf."
)
@common
@pass_session
def command(session: Session, folder: str, style: str | None, figure: str | None, out: str | None, **options) -> None:
    """Prints the results in a folder, or draws a figure of them.

    For each cell: mean, 95% interval, n, selection, gain over source-only or the baseline, time. An overview of several
    tasks ranks the strategies, with the critical difference of their ranks. The page of html has all of it, and beside
    the runs of a published table (tlx list tables) its figures.
    """
    if out is not None and (not out.strip() or Path(out).is_dir()):
        raise ResultError(f"--out is '{out}'; expected the path of a file to write the report to")
    given = {name: value for name, value in options.items() if value not in (None, False)}
    for name in OF_FIGURES if figure is None else OF_TABLES:
        if name in given:
            kind = "figures; expected --figure NAME as well" if figure is None else "tables; expected no --figure"
            raise SettingError(f"--{name} is of {kind}.")
    if figure is None:
        _table(session, folder, style or "terminal", out, given)
    else:
        _figure(session, folder, figure, style, out, given)


def _table(session: Session, folder: str, style: str, out: str | None, given: dict) -> None:
    from tlx.report import PAGES, report
    from tlx.report.figure import FIGURES

    if style in FIGURES:
        raise SettingError(f"--format {style} is of figures; expected --figure NAME as well.")
    if style in PAGES:
        from tlx.reproduce.published import published

        given["published"] = partial(published, session.registry)
    text = report(folder, style, **given).rstrip("\n")
    if out is None:
        click.echo(text)
    else:
        _write(Path(out), f"{text}\n".encode())


def _figure(session: Session, folder: str, name: str, style: str | None, out: str | None, given: dict) -> None:
    from tlx.report.figure import FIGURES

    ending = Path(out).suffix[1:].lower() if out else ""
    style = style or (ending if ending in FIGURES else "pdf")
    if style not in FIGURES:
        raise SettingError(f"--format {style} is not of figures; expected one of {', '.join(FIGURES)}.")
    if ending in FIGURES and ending != style:
        raise SettingError(f"--out is '{out}' and --format {style}; expected one format.")
    content = io.BytesIO()
    session.lab().figure(folder, name, **given).savefig(content, format=style)
    _write(Path(out or f"{name}.{style}"), content.getvalue())


def _write(path: Path, content: bytes) -> None:
    from tlx.store.file import write_whole

    try:
        write_whole(path, content)
    except OSError as error:
        raise ResultError(f"The report cannot be written to '{path}': {error.strerror or error}.") from error
    click.echo(f"wrote {path}", err=True)
