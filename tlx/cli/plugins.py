"""`tlx plugins`: which plugins there are, and what is wrong with them."""

import json
from typing import cast

import click

from tlx.cli.session import Session, common, pass_session
from tlx.plugins import KINDS


@click.command("plugins")
@click.option("--json", "as_json", is_flag=True, help="A JSON list of objects.")
@common
@pass_session
@click.pass_context
def command(ctx: click.Context, session: Session, as_json: bool) -> None:
    """Lists the plugins and their problems.

    Exits with 1 if there is a problem.
    """
    registry = session.registry
    registry.check()
    cast(click.Group, ctx.find_root().command).list_commands(ctx)  # asks each plugin for its commands
    rows = []
    for facts in registry.plugins():
        own = [entry for kind in KINDS for entry in registry.entries(kind) if entry.plugin == facts["name"]]
        brings = {kind: [entry.name for entry in own if entry.kind == kind] for kind in KINDS}
        rows.append({**facts, "brings": {kind: names for kind, names in brings.items() if names}})
    if as_json:
        click.echo(json.dumps(rows, indent=2))
    else:
        for row in rows:
            package = " ".join(filter(None, (row["package"], row["version"]))) or row["module"]
            brings = ", ".join(f"{len(names)} {kind}" for kind, names in row["brings"].items())
            state = f"{len(row['problems'])} problem(s)" if row["problems"] else ""
            click.echo("  ".join(filter(None, (f"{row['name']} ({package})", brings, state))))
    if registry.problems:
        ctx.exit(1)
