"""`tlx check`: the conformance checks, on what a file, a module, a plugin or a name brings."""

import importlib.util
from collections.abc import Iterable
from pathlib import Path

import click

from tlx.cli.session import Session, common, pass_session
from tlx.errors import PluginError, TlxError, nearest
from tlx.plugins import Entry, Registry

CHECKED = ("strategies", "backbones", "datasets")


@click.command("check")
@click.argument("target", metavar="FILE_OR_MODULE")
@common
@pass_session
@click.pass_context
def command(ctx: click.Context, session: Session, target: str) -> None:
    """Checks strategies, backbones, datasets.

    All that a file, a module, a plugin or a registered name brings. Prints what to change, and exits with 1, if a
    check fails.
    """
    registry, entries, problems = _brought(session, target)
    for problem in problems:
        click.echo(f"  FAILED  {problem}")
    if not entries and not problems:
        raise PluginError(f"'{target}' brings no {', '.join(kind for kind in CHECKED)}: there is nothing to check")
    failed = sum([_check(registry, entry) for entry in entries]) + len(problems)
    click.echo(f"{len(entries)} checked, " + (f"{failed} to change" if failed else "all as it should be"))
    ctx.exit(1 if failed else 0)


def _check(registry: Registry, entry: Entry) -> int:
    from tlx import testing

    try:
        if entry.kind == "datasets" and _absent(entry):
            click.echo(f"{entry.label}: not on this machine, so not checked. To get it: tlx data prepare {entry.name}")
            return 0
        thing = registry.get(entry.kind, entry.name)
        if entry.kind == "datasets":
            results = testing.check_dataset(entry.load)  # it is loaded twice: the same must come
        else:
            results = (testing.check_strategy if entry.kind == "strategies" else testing.check_backbone)(thing)
    except TlxError as error:
        click.echo(f"{entry.label}\n  FAILED  load: {error}")
        return 1
    failed = [result for result in results if not result.passed]
    click.echo(f"{entry.label}: {len(results) - len(failed)} of {len(results)} checks passed")
    for result in failed:
        click.echo(f"  FAILED  {result.name}: {result.message}")
    return len(failed)


def _absent(entry: Entry) -> bool:
    from tlx.store import Prepared
    from tlx.store.inventory import state

    source = entry.source()
    return isinstance(source, Prepared) and state(source).kind == "absent"


def _brought(session: Session, target: str) -> tuple[Registry, list[Entry], list[str]]:
    """What the target brings, and what is wrong with it already."""
    if target.endswith(".py") or Path(target).is_file():
        registry = Registry.load([target], {"TLX_PLUGINS": ""})
        problems = [problem.message for problem in registry.check()]
        return registry, _entries(registry), problems
    registry = session.registry
    if "+" in target:
        return registry, [registry.entry("strategies", target)], []
    if named := [entry for entry in _entries(registry) if entry.name == target]:
        return registry, named, []
    names = [facts["name"] for facts in registry.plugins() if target in (facts["name"], facts["module"])]
    if names:
        problems = [problem.message for problem in registry.check() if problem.plugin in names]
        return registry, [entry for entry in _entries(registry) if entry.plugin in names], problems
    registry = Registry()
    registry.add(_module(target, [entry.name for entry in _entries(session.registry)]), target)
    problems = [problem.message for problem in registry.check()]
    return registry, _entries(registry), problems


def _entries(registry: Registry) -> list[Entry]:
    return [entry for kind in CHECKED for entry in registry.entries(kind) if not entry.is_prefix]


def _module(target: str, known: Iterable[str]):
    try:
        there = importlib.util.find_spec(target) is not None
    except (ImportError, ValueError):
        there = False
    if not there:
        guess = nearest(target, known)
        hint = f"Did you mean {' or '.join(guess)}?" if guess else "Expected a .py file, a module, a plugin or a name."
        raise PluginError(f"There is no file, module, plugin or registered name '{target}'. {hint}")
    try:
        return importlib.import_module(target)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise PluginError(f"importing '{target}' failed: {type(error).__name__}: {error}") from error
