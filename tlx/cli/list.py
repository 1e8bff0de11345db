"""`tlx list`: what the plugins bring."""

import json
from typing import Any

import click

from tlx.cli.session import Session, common, pass_session
from tlx.errors import UnknownName
from tlx.plugins import KINDS, Entry


@click.command("list")
@click.argument("kind", required=False, metavar="[KIND]")
@click.option("--json", "as_json", is_flag=True, help="A JSON list of objects.")
@common
@pass_session
def command(session: Session, kind: str | None, as_json: bool) -> None:
    """Lists what plugins bring.

    KIND is one of strategies, backbones, datasets, protocols, tasks, suites, selectors, recipes.
    """
    if kind is not None and kind not in KINDS:
        raise UnknownName("kind", kind, KINDS)
    kinds = [kind] if kind else list(KINDS)
    entries = [entry for item in kinds for entry in session.registry.entries(item)]
    if as_json:
        click.echo(json.dumps([_facts(entry) for entry in entries], indent=2))
        return
    for item in kinds:
        _print(item, [entry for entry in entries if entry.kind == item])


def _facts(entry: Entry) -> dict[str, Any]:
    head = {"kind": entry.kind, "name": entry.name, "plugin": entry.plugin, "summary": entry.summary}
    return {**head, **entry.facts}


def _print(kind: str, entries: list[Entry]) -> None:
    click.secho(f"{kind} ({len(entries)})", bold=True)
    widths = [max((len(text) for text in column), default=0) for column in zip(*map(_cells, entries), strict=True)]
    for entry in entries:
        cells = [text.ljust(width) for text, width in zip(_cells(entry), widths, strict=True)]
        click.echo("  " + "  ".join([*cells, entry.summary]).rstrip())


def _cells(entry: Entry) -> tuple[str, ...]:
    setting = (entry.facts.get("setting", ""),) if entry.kind == "strategies" else ()
    return (entry.name, *setting, entry.plugin)
