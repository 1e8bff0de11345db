"""`tlx reproduce`: a published table, run again and laid beside ours."""

import click

from tlx.cli.session import Session, common, executing, names, pass_session
from tlx.counted import counted
from tlx.errors import SettingError, TlxError, UnknownName


@click.command("reproduce")
@click.argument("table")
@click.option("--tasks", callback=names, metavar="A,B", help="Only these tasks.")
@click.option("--methods", callback=names, metavar="A,B", help="Only these methods, by tlx's names of them.")
@click.option("--seeds", type=click.IntRange(1), metavar="N", help="Seeds 0 to N-1, rather than the suite's.")
@click.option("--budget", help="full, the paper's recipe, or short, with fewer steps.  [default: full]")
@click.option("--out", metavar="DIR", help="The results folder; by default runs/TABLE.")
@click.option(
    "--report",
    "only_report",
    is_flag=True,
    help="Run nothing; show the committed results (benchmarks/results/TABLE), or those of --out.",
)
@click.option("--format", "style", default="terminal", show_default=True, help="terminal, markdown or json.")
@executing
@common
@pass_session
def command(
    session: Session,
    table: str,
    only_report: bool,
    style: str,
    budget: str | None,
    out: str | None,
    executor: str | None,
    jobs: int | None,
    executor_set: tuple[str, ...],
    executor_file: str | None,
    **options,
) -> None:
    """Runs a published table, and prints ours beside theirs.

    Every cell has a verdict: reproduced (within a tolerance), higher, lower, not comparable, not run. Cells that are
    finished already are not run again. `tlx list tables` names the tables.
    """
    if only_report and (budget or options["seeds"]):
        raise SettingError("--report runs nothing, so --budget and --seeds say nothing; expected one or the others")
    if out is not None and not out.strip():
        raise SettingError(f"--out is '{out}'; expected the path of a folder with results")
    from tlx import reproduce
    from tlx.reproduce.render import FORMATS, render

    if style not in FORMATS:
        raise UnknownName("format", style, FORMATS)  # before hours of runs
    paper = session.registry.get("tables", table)
    if isinstance(paper, reproduce.ProgramTable) and (executor or jobs or executor_set or executor_file):
        raise SettingError(f"Table '{table}' is a program, which no executor runs; expected no executor")
    lab = session.lab(executor=executor, jobs=jobs, executor_set=executor_set, executor_file=executor_file)
    if only_report:
        del options["seeds"]
        cells = reproduce.report(lab, paper, out, **options)
    else:
        cells = lab.reproduce(paper, budget=budget or "full", out=out, **options)
    click.echo(render(cells, paper, style).rstrip("\n"))
    failed = [f"{cell['task']} {cell['method']}: {cell['why']}" for cell in cells if cell["why"].startswith("failed: ")]
    if failed and not only_report:
        raise TlxError("\n  ".join([f"{len(failed)} of {counted(len(cells), 'cell')} failed:", *failed]))
    if not only_report and cells and all(cell["why"].startswith("absent: ") for cell in cells):
        raise TlxError("nothing ran: the data of every task are absent")
