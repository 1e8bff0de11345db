"""`tlx run`: one strategy on one task."""

import click

from tlx.cli.session import Session, common, observed, pass_session, trackers
from tlx.errors import DataAbsent, TlxError


@click.command("run")
@click.argument("task")
@click.argument("strategy")
@click.option("--backbone", default="lenet", show_default=True, help="A backbone: tlx list backbones.")
@click.option("--seeds", type=click.IntRange(1), default=3, show_default=True, metavar="N", help="Seeds 0 to N-1.")
@click.option("--steps", type=click.IntRange(1), metavar="N", help="Steps, rather than the recipe's.")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="A setting of the strategy; repeatable.")
@click.option("--recipe", default="default", show_default=True, help="A recipe: tlx list recipes.")
@click.option("--weights", default="", metavar="SOURCE", help="Pretrained weights: a file, a folder, hf:OWNER/NAME.")
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
    if options["embeddings"] and not options["out"]:
        raise click.UsageError("--keep-embeddings keeps them beside the result: expected --out DIR as well.")
    registry = session.registry
    from tlx.bench import api
    from tlx.report import render

    result = api.run(
        task, strategy, plugins=session.files, registry=registry, observers=trackers(tensorboard), **options
    )
    if failed := api.failures([result]):
        raise TlxError(f"failed: {failed[0]}")
    if absent := api.absences([result]):
        raise DataAbsent(absent[0])
    click.echo(render([result]))
