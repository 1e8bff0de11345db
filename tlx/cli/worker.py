"""`tlx worker`: one of several processes, on any machines, that do the runs of a folder's plan."""

import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import click

from tlx.cli.session import Session, alone, common, executing, pass_session, watching
from tlx.counted import counted
from tlx.errors import PluginError, SettingError, TlxError


def _shard(ctx: click.Context, param: click.Parameter, value: str | None) -> tuple[int, int]:
    """The callback of `--shard`: "2/4" is (2, 4)."""
    if value is None:
        return 1, 1
    match = re.fullmatch(r"(\d{1,6})/(\d{1,6})", value.strip(), re.ASCII)
    part, parts = (int(match[1]), int(match[2])) if match else (0, 0)
    if not 1 <= part <= parts:
        raise SettingError(f"--shard is '{value}'; expected I/N, part I of N: 1/4, 2/4, 3/4 or 4/4 of four")
    return part, parts


@click.command("worker")
@click.argument("folder", metavar="DIR")
@click.option("--shard", metavar="I/N", callback=_shard, help="Only part I of N of the plan, from 1/N to N/N.")
@executing
@watching
@alone
@common
@pass_session
def command(session: Session, folder: str, shard: tuple[int, int], **options) -> None:
    """Does the runs of a plan, beside other workers.

    DIR is a results folder that all machines share, with a plan: tlx bench SUITE --plan --out DIR. A worker takes runs
    that no other one is at, takes over those of workers that died, and ends when none is left. SIGTERM and Ctrl-C end
    it at once; what it was at goes on from its last round elsewhere. Machines that share no folder have a copy of the
    plan each, do a --shard each, and their folders become one by tlx merge.
    """
    from tlx.runs import Store, absences, failures
    from tlx.runs.plan import read_plan

    session.files = _files(read_plan(Store(folder)).specs[0].plugin_files, session.files)
    with _log(Path(folder)) as log:
        results = session.lab(**options).work(folder, shard)
    done = sum(result.finished for result in results)
    click.echo(f"{folder}: {counted(done, 'run')} finished here; of all says: tlx status {folder}")
    for line in absences(results):
        click.echo(f"Absent: {line}", err=True)
    if failed := failures(results):
        told = f"{len(failed)} of {counted(len(results), 'run')} failed here, log {log}:"
        raise TlxError("\n  ".join([told, *failed]))


def _files(planned: tuple[str, ...], given: list[str]) -> list[str]:
    """The plugin files of a plan, those that are given in the place of the ones of their names.

    Raises:
        PluginError: this machine does not see one of them.
    """
    by_name = {Path(file).name: file for file in given}
    files = [by_name.pop(Path(file).name, file) for file in planned]
    for file in files:
        if file not in given and not Path(file).is_file():
            raise PluginError(
                f"The plan needs the plugin file '{file}', which this machine does not see; expected it there, or a "
                f"copy: --plugin PATH/{Path(file).name}."
            )
    return files + list(by_name.values())


@contextmanager
def _log(folder: Path) -> Iterator[Path]:
    """Keeps what tlx logs in a file beside the results too."""
    from tlx.runs.claims import this_host

    path = folder / "logs" / f"{this_host()}-{os.getpid()}.log"
    handler: logging.Handler = logging.NullHandler()
    with suppress(OSError):  # a folder that cannot be written is refused by what runs there
        path.parent.mkdir(exist_ok=True)
        handler = logging.FileHandler(path, delay=True)
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    logging.getLogger("tlx").addHandler(handler)
    try:
        yield path
    finally:
        logging.getLogger("tlx").removeHandler(handler)
        handler.close()
