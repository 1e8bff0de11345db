"""`tlx publish`: a results folder as a folder for a static host or a dataset hub."""

import click

from tlx.cli.session import common
from tlx.errors import ResultError


@click.command("publish")
@click.argument("folder", metavar="DIR")
@click.option("--out", required=True, metavar="SITE", help="The folder to write; an earlier publication is replaced.")
@click.option("--title", default="", help="The title of the page.  [default: the name of DIR]")
@common
def command(folder: str, out: str, title: str) -> None:
    """Writes one folder ready for a static host or a dataset hub.

    It holds a page (index.html), tables, the result of every run, a README and checksums, and no path of this machine.
    """
    from tlx.report.publish import publish

    if not out.strip():
        raise ResultError(f"--out is '{out}'; expected the path of a folder to write")
    click.echo(f"wrote {publish(folder, out, title)}")
