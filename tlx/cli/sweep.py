"""`tlx sweep`: one strategy on one task, with every combination of some settings."""

import click

from tlx.cli.session import Session, alone, common, one_strategy, pass_session, watching
from tlx.errors import DataAbsent, SettingError, TlxError


@click.command("sweep")
@one_strategy
@click.option(
    "--over",
    multiple=True,
    required=True,
    metavar="KEY=V1,V2",
    help="A setting and the values that it takes; repeatable.",
)
@watching
@alone
@common
@pass_session
def command(
    session: Session,
    task: str,
    strategy: str,
    over: tuple[str, ...],
    track: tuple[str, ...],
    embeddings: bool,
    **options,
) -> None:
    """Runs one strategy on one task with every combination of some settings.

    TASK and STRATEGY are as for tlx run. Prints the scores of each combination, and which of them each selection policy
    would take, most of which read no label of the target. Results that are in the results folder are not run again.
    """
    grid = {}
    for text in over:
        key, _, values = text.partition("=")
        if key.strip() in grid:
            raise SettingError(f"--over: '{key.strip()}' is given twice; expected it once, with all its values")
        grid[key.strip()] = [value.strip() for value in values.split(",") if value.strip()]
        if not grid[key.strip()]:
            raise SettingError(f"--over: got '{text}', expected KEY=V1,V2, a setting and its values")
    lab = session.lab(track, embeddings)
    from tlx.report import render
    from tlx.runs import absences, failures

    results = lab.sweep(task, strategy, grid, **options)
    if absent := absences(results):
        raise DataAbsent(absent[0])
    click.echo(render(results))
    if any(result.finished for result in results):
        click.echo(render(results, selectors=True))
    if failed := failures(results):
        raise TlxError(f"failed: {failed[0]}")
