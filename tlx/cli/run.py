"""`tlx run`: one strategy on one task."""

import click

from tlx.cli.session import Session, common, one_strategy, pass_session, watching
from tlx.errors import DataAbsent, SettingError, TlxError


@click.command("run")
@one_strategy
@click.option("--save", metavar="DIR", help="The folder to write the model of each seed into, for tlx predict.")
@click.option("--save-selection", default="last", show_default=True, metavar="NAME",
              help="The selector that picks the evaluation whose model is saved: tlx list selectors.")  # fmt: skip
@watching
@common
@pass_session
def command(
    session: Session,
    task: str,
    strategy: str,
    save: str | None,
    save_selection: str,
    tensorboard: str | None,
    embeddings: bool,
    **options,
) -> None:
    """Runs one strategy on one task.

    TASK is like mnist5k:optdigits, or with a protocol mnist:usps@P-2000. Prints the scores, and writes the result to
    the results folder. A run that was interrupted goes on from its last round.
    """
    if save is None and save_selection != "last":
        raise SettingError(f"--save-selection {save_selection} says which weights to save; expected --save DIR as well")
    lab = session.lab(tensorboard, embeddings)
    from tlx.report import render
    from tlx.runs import Save, absences, failures

    result = lab.run(task, strategy, save=Save(save, save_selection) if save else None, **options)
    if failed := failures([result]):
        raise TlxError(f"failed: {failed[0]}")
    if absent := absences([result]):
        raise DataAbsent(absent[0])
    click.echo(render([result]))
