"""`tlx worker`: one of several processes, on any machines, that do the runs of a folder's plan."""

import signal

import click

from tlx.cli.session import Session, common, executing, pass_session, watching
from tlx.errors import TlxError


@click.command("worker")
@click.argument("folder", metavar="DIR")
@executing
@watching
@common
@pass_session
def command(session: Session, folder: str, **options) -> None:
    """Does the runs of a plan, beside other workers.

    DIR is a results folder that all machines share, with a plan: tlx bench SUITE --plan --out DIR. A worker takes runs
    that no other one is at, takes over those of workers that died, and ends when none is left. SIGTERM and Ctrl-C end
    it at once; what it was at goes on from its last round elsewhere.
    """
    from tlx.runs import Store, absences, failures
    from tlx.runs.plan import read_plan

    session.files.extend(read_plan(Store(folder)).specs[0].plugin_files)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    results = session.lab(**options).work(folder)
    click.echo(f"{folder}: {sum(result.finished for result in results)} of {len(results)} runs are finished")
    for line in absences(results):
        click.echo(f"Absent: {line}", err=True)
    if failed := failures(results):
        raise TlxError("\n  ".join([f"{len(failed)} of {len(results)} runs failed:", *failed]))
