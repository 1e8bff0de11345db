"""`tlx run`: one strategy on one task."""

import contextlib
import shlex

import click

from tlx.cli.session import Session, common, one_strategy, pass_session, watching
from tlx.errors import DataAbsent, SettingError, TlxError


@click.command("run")
@one_strategy
@click.option("--save", metavar="DIR", help="The folder to write the model of each seed into, for tlx predict.")
@click.option("--save-selection", default="last", show_default=True, metavar="NAME",
              help="The selector that picks the evaluation whose model is saved: tlx list selectors.")  # fmt: skip
@click.option("--distributed", is_flag=True, help="With the processes that run the same command, over all devices.")
@click.option("--coordinator", metavar="HOST:PORT", help="Where process 0 of --distributed is to listen.")
@click.option("--processes", type=click.IntRange(1), metavar="N", help="How many processes there are.")
@click.option("--process", type=int, metavar="I", help="Which of them this one is, from 0.")
@watching
@common
@pass_session
def command(
    session: Session,
    task: str,
    strategy: str,
    save: str | None,
    save_selection: str,
    distributed: bool,
    coordinator: str | None,
    processes: int | None,
    process: int | None,
    track: tuple[str, ...],
    embeddings: bool,
    **options,
) -> None:
    """Runs one strategy on one task.

    TASK is like mnist5k:optdigits, or with a protocol mnist:usps@P-2000. Prints the scores, and writes the result to
    the results folder. A run that was interrupted goes on from its last round.
    """
    place = {"--coordinator": coordinator, "--processes": processes, "--process": process}
    if not distributed and (given := [name for name, value in place.items() if value is not None]):
        raise SettingError(f"{', '.join(given)} is of several processes; expected --distributed as well")
    if save is not None and not save.strip():
        raise SettingError(f"--save is '{save}'; expected the folder to write the model of each seed into")
    if save is None and save_selection != "last":
        raise SettingError(f"--save-selection {save_selection} says which weights to save; expected --save DIR as well")
    with contextlib.ExitStack() as stack:
        first = True
        if distributed:
            from tlx.engine.processes import joined, leads  # before any plugin may start JAX

            stack.enter_context(joined(*place.values(), again=shlex.join(session.words)))
            first = leads()
        lab = session.lab(track if first else (), embeddings)
        from tlx.runs import Save

        result = lab.run(task, strategy, save=Save(save, save_selection) if save else None, **options)
    if not first:
        return
    from tlx.report import render
    from tlx.runs import absences, failures

    if failed := failures([result]):
        raise TlxError(f"failed: {failed[0]}")
    if absent := absences([result]):
        raise DataAbsent(absent[0])
    click.echo(render([result]))
