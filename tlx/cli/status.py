"""`tlx status`: what of a results folder is done, under way, failed and missing."""

import click

from tlx.cli.session import common


@click.command("status")
@click.argument("folder", metavar="DIR")
@common
def command(folder: str) -> None:
    """Says how far the runs of a folder are, and where.

    What is missing is known where there is a plan: tlx bench SUITE --plan --out DIR.
    """
    from tlx.runs.status import read_status

    for line in read_status(folder).lines():
        click.echo(line)
