"""`tlx report`: the table of a results folder."""

import click

from tlx.cli.session import common


@click.command("report")
@click.argument("folder", metavar="DIR")
@click.option("--format", "style", default="terminal", show_default=True, help="terminal, markdown, csv or json.")
@click.option(
    "--overview", metavar="SELECTION", help="One table for all tasks, of one selection: last, source-val, ..."
)
@common
def command(folder: str, style: str, overview: str | None) -> None:
    """Prints the results in a folder.

    For each cell: mean, 95% interval, n, selection, gain over source-only, time.
    """
    from tlx.report import report

    click.echo(report(folder, style, overview=overview).rstrip("\n"))
