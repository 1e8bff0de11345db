"""`tlx export`: a model that a run saved as a program that runs without tlx."""

from pathlib import Path

import click

from tlx.cli.session import Session, common, pass_session
from tlx.errors import ResultError


@click.command("export")
@click.argument("run", metavar="RUN")
@click.option("--out", metavar="FILE", help="The file to write.  [default: RUN-seed-N.jaxexport]")
@click.option("--seed", type=click.IntRange(0), metavar="N", help="The model of that seed, rather than the first.")
@click.option("--other-code", is_flag=True, help="Go on where the code is another than the model was trained by.")
@common
@pass_session
def command(session: Session, run: str, out: str | None, seed: int | None, other_code: bool) -> None:
    """Writes a model that a run saved (tlx run ... --save RUN) as a program of jax.export.

    It is StableHLO in bytes for CPU, CUDA and TPU, takes any number of rows, and runs without tlx; FILE.json says what
    it takes and gives, and how to run it.
    """
    if out is not None and (not out.strip() or Path(out).is_dir()):
        raise ResultError(f"--out is '{out}'; expected the path of a file to write the program to")
    model = session.lab().load(run, seed, allow_other_code=other_code)
    folder = Path(run).expanduser().absolute()
    folder = folder.parent if folder.is_file() else folder  # beside it: its files are the weights' digest
    path = model.export(out or folder.with_name(f"{folder.name}-seed-{model.about.seed}.jaxexport"))
    if model.note:
        click.echo(f"Note: {model.note}.", err=True)
    click.echo(f"wrote {path} and {path.name}.json")
