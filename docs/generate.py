"""The pages that are made from the code: public names, command line, plugins, settings, gallery, committed results.

Nothing here lists names: they come from `__all__`, from click and from the registry: a new one needs no edit.
"""

import inspect
import textwrap
from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from pathlib import Path

import click
import measured
import scripts
import serves
from built_in import ROOT, registry

from tlx.cli import cli
from tlx.plugins import KINDS, Entry

ROOMS = (
    "tlx", "tlx.blocks", "tlx.data", "tlx.executors", "tlx.layers", "tlx.ops", "tlx.report", "tlx.score",
    "tlx.sklearn", "tlx.store", "tlx.testing", "tlx.weights",
)  # fmt: skip


def pages() -> dict[str, Callable[[], str]]:
    """What makes the Markdown of each page, by its path; those in `parts` are included by pages that are written."""
    made = {"api": api, "commands": commands, "plugins": plugins, "numbers": numbers, "parts/settings": settings}
    made |= {f"parts/{name}": part for name, part in measured.PARTS.items()}
    return made | {f"gallery_{name}": partial(scripts.page, name) for name in scripts.names()}


def write(folder: Path) -> None:
    """Writes the pages; one that has not changed is left alone, so Sphinx does not read it again."""
    for name, make in pages().items():
        path, text = folder / f"{name}.md", make()
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.is_file() or path.read_text() != text:
            path.write_text(text)


def settings() -> str:
    """Which strategy serves which setting."""
    return serves.table(registry().entries("strategies"), registry())


def api() -> str:
    """Every public name with its signature and its docstring, verbatim: docstrings are plain text, and no markup."""
    parts = ["# Public names\n\nWhat a plugin may import. What is not here may change without notice."]
    for room in ROOMS:
        module = import_module(room)
        parts.append(f"## {room}\n\n{_block(inspect.getdoc(module) or '')}")
        parts += [
            f"### `{room}.{name}`\n\n{_described(name, getattr(module, name))}" for name in sorted(module.__all__)
        ]
    return "\n\n".join(parts) + "\n"


def _described(name: str, thing: object) -> str:
    if not (inspect.isclass(thing) or inspect.isroutine(thing)):
        return _block(str(thing))
    try:
        head = f"{name}{inspect.signature(thing)}"
    except (TypeError, ValueError):
        head = name
    told = [f"{head}\n\n{inspect.getdoc(thing) or ''}".strip()]
    if inspect.isclass(thing):
        told += [_method(f"{name}.{key}", own) for key, own in vars(thing).items() if not key.startswith("_")]
    return _block("\n\n".join(filter(None, told)))


def _method(name: str, thing: object) -> str:
    """A method or a property of a class, where it has a docstring of its own."""
    function = getattr(thing, "fget", None) or getattr(thing, "func", None) or getattr(thing, "__func__", thing)
    if not inspect.isfunction(function) or not function.__doc__:
        return ""
    head = name if function is not thing and not hasattr(thing, "__func__") else f"{name}{inspect.signature(function)}"
    return f"{head}\n{textwrap.indent(inspect.getdoc(function) or '', '    ')}"


def _block(text: str) -> str:
    return f"````text\n{text}\n````"


def commands() -> str:
    """The help of every command: its arguments and all of its options."""
    parts = ["# Command line"]
    parts += [f"## `{context.command_path}`\n\n{_block(context.get_help())}" for context in contexts(cli)]
    return "\n\n".join(parts) + "\n"


def contexts(command: click.Command, parent: click.Context | None = None) -> Iterator[click.Context]:
    """The contexts of a command and of all commands below it, at a width of 100 characters."""
    name = command.name if parent else "tlx"
    context = click.Context(command, parent=parent, info_name=name, terminal_width=100, max_content_width=100)
    yield context
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            if below is not None:
                yield from contexts(below, context)


def plugins() -> str:
    """All that the built-in plugins bring, kind by kind, with the paper where one is named."""
    parts = ["# What the plugins bring\n\n`tlx list` prints the same for what is installed with you."]
    parts += [f"## {kind.capitalize()}\n\n{_table(registry().entries(kind))}" for kind in KINDS]
    return "\n\n".join(parts) + "\n"


def _table(entries: list[Entry]) -> str:
    facts = list(dict.fromkeys(fact for entry in entries for fact in entry.facts))
    rows = [["name", *facts, "what it is"], ["---"] * (len(facts) + 2)]
    for entry in entries:
        cells = [str(entry.facts.get(fact, "")) for fact in facts]
        rows.append([f"`{entry.name}`", *(cell.replace("|", "\\|") for cell in (*cells, entry.summary))])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def numbers() -> str:
    """Every committed page of results, as it lies in benchmarks/results."""
    parts = ["# Numbers\n\nAll that was measured and committed, with its conditions."]
    for path in sorted((ROOT / "benchmarks/results").glob("*.md")):
        parts.append(_deeper(path.read_text().strip()))
    return "\n\n".join(parts) + "\n"


def _deeper(text: str) -> str:
    """The page with its headings one level down; what is fenced stays as it is."""
    lines, fenced = [], False
    for line in text.splitlines():
        fenced ^= line.startswith("```")
        lines.append(f"#{line}" if line.startswith("#") and not fenced else line)
    return "\n".join(lines)
