"""`tlx new`: a starting file or package."""

from pathlib import Path

import click

from tlx.cli import scaffold
from tlx.cli.session import Session, common, pass_session
from tlx.errors import PluginError
from tlx.plugins import KINDS


@click.command("new")
@click.argument("kind", metavar="[strategy|backbone|dataset]")
@click.argument("name")
@click.option("--package", is_flag=True, help="A package to install, with its test, rather than a single file.")
@click.option("--out", default=".", metavar="DIR", help="The folder to write into; by default this one.")
@common
@pass_session
def command(session: Session, kind: str, name: str, package: bool, out: str) -> None:
    """Writes a starting file or package.

    A strategy, backbone or dataset called NAME (like mean_shift) that passes `tlx check` as it is.
    """
    for plural in (plural for plural, item in KINDS.items() if item.singular == kind):
        for entry in session.registry.entries(plural):
            if entry.name == name:
                raise PluginError(f"{entry.label} is already there, by plugin '{entry.plugin}'; choose another name")
    written = scaffold.write(kind, name, Path(out), package)
    for path in written:
        click.echo(f"wrote {path}")
    click.echo(scaffold.next_steps(kind, name, written[0], package))
