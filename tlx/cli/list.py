"""`tlx list`: what the plugins bring."""

import json
from typing import Any

import click

from tlx.cli.session import Session, common, pass_session
from tlx.errors import SettingError, UnknownName
from tlx.plugins import FACTS, KINDS, Entry


@click.command("list")
@click.argument("kind", required=False, metavar="[KIND]")
@click.option("--json", "as_json", is_flag=True, help="A JSON list of objects.")
@click.option("--markdown", is_flag=True, help="A Markdown table, of strategies with their facts.")
@common
@pass_session
def command(session: Session, kind: str | None, as_json: bool, markdown: bool) -> None:
    """Lists what plugins bring.

    KIND is one of strategies, backbones, datasets, protocols, tasks, suites, tables, selectors, scores,
    executors, figures, trackers, recipes.
    """
    if kind is not None and kind not in KINDS:
        raise UnknownName("kind", kind, KINDS)
    if as_json and markdown:
        raise SettingError("--json and --markdown are two forms of one list; expected one of them")
    kinds = [kind] if kind else list(KINDS)
    entries = [entry for item in kinds for entry in session.registry.entries(item)]
    if as_json:
        click.echo(json.dumps([_facts(entry) for entry in entries], indent=2))
        return
    if markdown:
        click.echo(table(entries))
        return
    for item in kinds:
        _print(item, [entry for entry in entries if entry.kind == item])
    if kind == "recipes":
        from tlx.engine.recipe import describe_fields

        click.echo(describe_fields())


def _facts(entry: Entry) -> dict[str, Any]:
    head = {"kind": entry.kind, "name": entry.name, "plugin": entry.plugin, "summary": entry.summary}
    return {**head, **entry.facts}


def table(entries: list[Entry]) -> str:
    """A Markdown table of name, facts and summary."""
    columns = FACTS if any(entry.kind == "strategies" for entry in entries) else ()
    rows = [["name", *columns, "what it does"], ["---"] * (len(columns) + 2)]
    for entry in entries:
        facts = [str(entry.facts.get(column, "")) for column in columns]
        rows.append([f"`{entry.name}`", *facts, entry.summary.replace("|", "\\|")])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _print(kind: str, entries: list[Entry]) -> None:
    click.secho(f"{kind} ({len(entries)})", bold=True)
    widths = [max((len(text) for text in column), default=0) for column in zip(*map(_cells, entries), strict=True)]
    for entry in entries:
        cells = [text.ljust(width) for text, width in zip(_cells(entry), widths, strict=True)]
        click.echo("  " + "  ".join([*cells, entry.summary]).rstrip())


def _cells(entry: Entry) -> tuple[str, ...]:
    facts = [entry.facts.get(fact, "") for fact in FACTS] if entry.kind == "strategies" else []
    return (entry.name, *facts, entry.plugin)
