"""`tlx bench`: a suite of runs, going on from what is there."""

import shlex

import click

from tlx.cli.session import Session, alone, common, executing, names, pass_session, recipe_options, watching
from tlx.counted import counted
from tlx.errors import TlxError


@click.command("bench")
@click.argument("suite")
@click.option("--out", metavar="DIR", help="The results folder; by default runs/SUITE.")
@click.option("--strategies", callback=names, metavar="A,B", help="Only these, also ones that the suite lacks; or all.")
@click.option("--tasks", callback=names, metavar="A,B", help="Only these tasks.")
@recipe_options
@click.option("--weights", metavar="SOURCE", help="Pretrained weights of its backbone, rather than the suite's.")
@click.option("--plan", is_flag=True, help="Run nothing; write what is to be run into the folder, for tlx worker.")
@executing
@watching
@alone
@common
@pass_session
def command(
    session: Session,
    suite: str,
    plan: bool,
    track: tuple[str, ...],
    embeddings: bool,
    executor: str | None,
    jobs: int | None,
    executor_set: tuple[str, ...],
    executor_file: str | None,
    **options,
) -> None:
    """Runs a suite: strategies x tasks.

    Runs that are finished already are not run again, and a run that was interrupted goes on from its last round. Tasks
    whose data are not on this machine are left out, and named.
    """
    lab = session.lab(track, embeddings, executor, jobs, executor_set, executor_file)
    if plan:
        path = lab.plan(suite, **options)
        click.echo(f"wrote {path}; on every machine that sees it: {shlex.join(['tlx', 'worker', str(path.parent)])}")
        return
    from tlx.report import render
    from tlx.runs import absences, failures

    results = lab.bench(suite, **options)
    click.echo(render(results))
    for line in absences(results):
        click.echo(f"Absent: {line}", err=True)
    if failed := failures(results):
        raise TlxError("\n  ".join([f"{len(failed)} of {counted(len(results), 'run')} failed:", *failed]))
    if all(result.status == "absent" for result in results):
        raise TlxError("nothing ran: the data of every task are absent")
