"""The pages that are made from the code: public names, command line, plugins, settings, gallery, committed results.

Nothing here lists names: they come from `__all__`, from click and from the registry: a new one needs no edit.
"""

import inspect
import re
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
from tlx.runs.settings import make_strategy

ROOMS = (
    "tlx", "tlx.blocks", "tlx.data", "tlx.executors", "tlx.layers", "tlx.ops", "tlx.report", "tlx.score",
    "tlx.sklearn", "tlx.store", "tlx.testing", "tlx.weights",
)  # fmt: skip
FULL = 112  # characters up to which a line of a method's docstring may go on
KEY = "Union[Key[Array, ''], UInt32[Array, '2'], UInt32[Array, '4']]"  # what PRNGKeyArray stands for
WIDE = 88  # characters of a command's help that a page holds beside its navigation


def pages() -> dict[str, Callable[[], str]]:
    """What makes the Markdown of each page, by its path; those in `parts` are included by pages that are written."""
    made = {"api": api, "commands": commands, "plugins": plugins, "strategies": strategies, "numbers": numbers}
    made |= {_page(room): partial(room_page, room) for room in ROOMS}
    made["parts/settings"] = settings
    made |= {f"parts/{name}": part for name, part in measured.PARTS.items()}
    return made | {f"gallery_{name}": partial(scripts.page, name) for name in scripts.names()}


def write(folder: Path) -> None:
    """Writes the pages and removes others; one that has not changed is left alone, so Sphinx does not read it again."""
    made = pages()
    for path in folder.rglob("*.md"):
        if path.relative_to(folder).with_suffix("").as_posix() not in made:
            path.unlink()
    for name, make in made.items():
        path, text = folder / f"{name}.md", make()
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.is_file() or path.read_text() != text:
            path.write_text(text)


def settings() -> str:
    """Which strategy serves which setting."""
    return serves.table(registry().entries("strategies"), registry())


def api() -> str:
    """The list of the modules with public names."""
    lines = "\n".join(f"{_page(room)}" for room in ROOMS)
    parts = ["# Public names", "What a plugin may import, by module. What is not here may change without notice."]
    return "\n\n".join([*parts, f"```{{toctree}}\n:maxdepth: 1\n\n{lines}\n```"]) + "\n"


def _page(room: str) -> str:
    return f"api_{room.split('.')[-1]}"


def room_page(room: str) -> str:
    """Every public name of a module, with its signature and its docstring: these are plain text, and no markup."""
    module = import_module(room)
    parts = [f"# {room}", _block(_flowing(inspect.getdoc(module) or ""))]
    parts += [f"## `{name}`\n\n{_described(name, getattr(module, name))}" for name in sorted(module.__all__)]
    return "\n\n".join(parts) + "\n"


def _described(name: str, thing: object) -> str:
    if not (inspect.isclass(thing) or inspect.isroutine(thing)):
        return _block(str(thing))
    try:
        head = _signature(name, thing)
    except (TypeError, ValueError):
        head = name
    told = [f"{head}\n\n{_flowing(inspect.getdoc(thing) or '')}".strip()]
    if inspect.isclass(thing):
        told += [_method(f"{name}.{key}", own) for key, own in vars(thing).items() if not key.startswith("_")]
    return _block("\n\n".join(filter(None, told)))


def _method(name: str, thing: object) -> str:
    """A method or a property of a class, where it has a docstring of its own."""
    function = getattr(thing, "fget", None) or getattr(thing, "func", None) or getattr(thing, "__func__", thing)
    if not inspect.isfunction(function) or not function.__doc__:
        return ""
    head = name if function is not thing and not hasattr(thing, "__func__") else _signature(name, function)
    return f"{head}\n{textwrap.indent(_flowing(inspect.getdoc(function) or ''), '    ')}"


def _signature(name: str, thing: Callable[..., object]) -> str:
    """A call with its annotations, without the modules of their types."""
    text = re.sub(r"\b(?:[a-z_]\w*\.)+(?=[A-Z])", "", f"{name}{inspect.signature(thing)}")
    return text.replace(KEY, "PRNGKeyArray")


def _flowing(text: str) -> str:
    """A docstring with each line that was broken at the width of the code joined with the next: the page breaks it."""
    made: list[str] = []
    last = ""
    for line in text.splitlines():
        first, *rest = line.split() or [""]
        begins = first in ("", "-") or rest[:1] == ["="]
        if not begins and len(last) + 1 + len(first) > FULL:
            made[-1] += f" {line.strip()}"
        else:
            made.append(line)
        last = line
    return "\n".join(made)


def _block(text: str) -> str:
    """Plain text whose long lines the page may break."""
    return f"````{{code-block}} text\n:class: words\n\n{text}\n````"


def commands() -> str:
    """The help of every command: its arguments and all of its options."""
    parts = ["# Command line"]
    parts += [f"## `{context.command_path}`\n\n````text\n{context.get_help()}\n````" for context in contexts(cli)]
    return "\n\n".join(parts) + "\n"


def contexts(command: click.Command, parent: click.Context | None = None) -> Iterator[click.Context]:
    """The contexts of a command and of all commands below it."""
    name = command.name if parent else "tlx"
    context = click.Context(command, parent=parent, info_name=name, terminal_width=WIDE, max_content_width=WIDE)
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


def strategies() -> str:
    """Every strategy with what its docstring says, its settings and what it is registered as."""
    parts = [
        "# Strategies",
        "Each by the name that a command takes. [Which strategy for which setting](../settings_served.md) is a table, "
        "and [Choose a method](../choose.md) has figures.",
    ]
    for entry in registry().entries("strategies"):
        kind = registry().get("strategies", entry.name)
        values = ", ".join(f"{name} = {value}" for name, value in make_strategy(kind, {}, entry.name)[1])
        facts = [", ".join(filter(None, (kind.setting, kind.paper))), f"Defaults: {values}" if values else ""]
        text = "\n\n".join(filter(None, [_flowing(inspect.getdoc(kind) or entry.summary), *facts]))
        parts.append(f"## `{entry.name}`\n\n{_block(text)}")
    return "\n\n".join(parts) + "\n"


def _table(entries: list[Entry]) -> str:
    facts = list(dict.fromkeys(fact for entry in entries for fact in entry.facts))
    rows = [["name", *facts, "what it is"], ["---"] * (len(facts) + 2)]
    for entry in entries:
        cells = [str(entry.facts.get(fact, "")) for fact in facts]
        name = f"[`{entry.name}`](strategies.md#{entry.name})" if entry.kind == "strategies" else f"`{entry.name}`"
        rows.append([name, *(cell.replace("|", "\\|") for cell in (*cells, entry.summary))])
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
