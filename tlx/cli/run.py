"""`tlx run`: one strategy on one task."""

import click

from tlx.cli.session import Session, check_kept, common, observed, one_strategy, pass_session, trackers
from tlx.errors import DataAbsent, TlxError


@click.command("run")
@one_strategy
@click.option("--save", metavar="DIR", help="The folder to write the weights into that each seed ends with.")
@click.option("--out", metavar="DIR", help="The folder to write the result into; without it nothing is written.")
@observed
@common
@pass_session
def command(session: Session, task: str, strategy: str, tensorboard: str | None, **options) -> None:
    """Runs one strategy on one task.

    TASK is like mnist5k:optdigits, or with a protocol mnist:usps@P-2000. Prints the scores; with --out, writes the
    result as well.
    """
    check_kept(options["embeddings"], options["out"])
    registry = session.registry
    from tlx.report import render
    from tlx.runs import api

    result = api.run(
        task, strategy, plugins=session.files, registry=registry, observers=trackers(tensorboard), **options
    )
    if failed := api.failures([result]):
        raise TlxError(f"failed: {failed[0]}")
    if absent := api.absences([result]):
        raise DataAbsent(absent[0])
    click.echo(render([result]))
