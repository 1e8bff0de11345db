"""`tlx report`: the table of a results folder."""

import click

from tlx.cli.session import common


@click.command("report")
@click.argument("folder", metavar="DIR")
@click.option("--format", "style", default="terminal", show_default=True, help="terminal, markdown, csv or json.")
@click.option(
    "--overview", metavar="SELECTION", help="One table for all tasks, of one selection: last, source-val, ..."
)
@click.option("--baseline", metavar="NAME", help="A strategy to test all others against, on the shared seeds.")
@click.option("--interval", default="t", show_default=True, help="t or bootstrap.")
@common
def command(folder: str, style: str, **options) -> None:
    """Prints the results in a folder.

    For each cell: mean, 95% interval, n, selection, gain over source-only or the baseline, time. An overview of several
    tasks ranks the strategies, with the critical difference of their ranks.
    """
    from tlx.report import report

    click.echo(report(folder, style, **options).rstrip("\n"))
