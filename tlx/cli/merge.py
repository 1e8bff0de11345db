"""`tlx merge`: the results of several folders in one."""

import click

from tlx.cli.session import common
from tlx.counted import counted


@click.command("merge")
@click.argument("folders", metavar="DIR...", nargs=-1, required=True)
@click.option("--out", required=True, metavar="DIR", help="The folder for all of them; it may hold results already.")
@common
def command(folders: tuple[str, ...], out: str) -> None:
    """Copies the results of folders into one.

    Results of one run must agree, but for where and when they ran; otherwise both are named, and nothing is copied.
    """
    from tlx.runs import load_all
    from tlx.runs.merge import merge

    copied = merge(folders, out)
    click.echo(f"{out}: {counted(len(copied), 'result')} copied, {len(load_all(out))} in all")
