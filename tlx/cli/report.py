"""`tlx report`: the table of a results folder."""

from pathlib import Path

import click

from tlx.cli.session import common
from tlx.errors import ResultError


@click.command("report")
@click.argument("folder", metavar="DIR")
@click.option(
    "--format", "style", default="terminal", show_default=True, help="terminal, markdown, latex, csv, json, html."
)
@click.option(
    "--overview", metavar="SELECTION", help="One table for all tasks, of one selection: last, source-val, ..."
)
@click.option("--selectors", is_flag=True, help="What each selection policy picks, and how well it ranks.")
@click.option("--baseline", metavar="NAME", help="A strategy to test all others against, on the shared seeds.")
@click.option("--interval", default="t", show_default=True, help="t or bootstrap.")
@click.option("--out", metavar="FILE", help="The file to write to; without it the report is printed.")
@common
def command(folder: str, style: str, out: str | None, **options) -> None:
    """Prints the results in a folder.

    For each cell: mean, 95% interval, n, selection, gain over source-only or the baseline, time. An overview of several
    tasks ranks the strategies, with the critical difference of their ranks.
    """
    if out is not None and (not out.strip() or Path(out).is_dir()):
        raise ResultError(f"--out is '{out}'; expected the path of a file to write the report to")
    from tlx.report import report
    from tlx.store.file import write_whole

    text = report(folder, style, **options).rstrip("\n")
    if out is None:
        click.echo(text)
        return
    path = Path(out)
    try:
        write_whole(path, f"{text}\n".encode())
    except OSError as error:
        raise ResultError(f"The report cannot be written to '{out}': {error.strerror or error}.") from error
    click.echo(f"wrote {path}", err=True)
