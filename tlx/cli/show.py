"""`tlx show`: a strategy's settings, and what each of its phases sees."""

from typing import Any

import click

from tlx.cli.session import Session, common, pass_session


@click.command("show")
@click.argument("strategy")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="A setting of the strategy; repeatable.")
@common
@pass_session
def command(session: Session, strategy: str, settings: tuple[str, ...]) -> None:
    """Shows what a strategy is.

    Its settings with their values, and of each phase its part of the steps, what it sees of a task, and what it sweeps.
    """
    entry = session.registry.entry("strategies", strategy)
    kind = session.registry.get("strategies", strategy)
    from tlx.runs.settings import make_strategy, parse_settings
    from tlx.testing.probe import Probe

    made, values = make_strategy(kind, parse_settings(kind, settings, strategy), strategy)
    phases = Probe(made).phases
    click.secho(entry.name, bold=True)
    for text in (entry.summary, ", ".join(filter(None, (kind.setting, kind.paper)))):
        click.echo(f"  {text}")
    for name, value in values:
        click.echo(f"  {name} = {value}")
    whole = sum(phase.share for phase in phases if not phase.online) or 1.0
    for phase in phases:
        click.echo(f"  phase {phase.name}: {_steps(phase, whole)}; sees {_names(phase.sees)}{_sweeps(phase)}")


def _steps(phase: Any, whole: float) -> str:
    if phase.online:
        return f"one pass over the target test rows, each batch predicted {phase.online.predict} its step"
    return f"{phase.share / whole:.0%} of the steps"


def _sweeps(phase: Any) -> str:
    return f"; sweeps {_names({sweep.over for sweep in phase.sweeps.values()})}" if phase.sweeps else ""


def _names(fields: Any) -> str:
    order = ("source", "source_val", "target", "labelled")
    return ", ".join(sorted(fields, key=order.index)) or "nothing"
