"""Lazy targets, "module:Name": resolved when used, and described from the text of their source without an import.

`tlx list` describes some two hundred of them, so `describe` looks at the text and parses nothing; `verify` parses.
"""

import ast
import functools
import importlib
import re
import symtable
from collections.abc import Iterable
from importlib.machinery import PathFinder
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tlx.errors import PluginError, nearest
from tlx.syntax import syntax_tree

FACTS = ("setting", "paper")
ROOT = "tlx.contract", "Strategy"
TARGET = re.compile(r"([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*):([A-Za-z_]\w*)")
DOC = r"[rR]?(?P<quote>\"\"\"|'''|\"|')\s*(?P<doc>.*?)\s*(?:(?P=quote)|$)"  # its first line
MODULE = re.compile(rf"(?:[ \t]*(?:#.*)?\n)*{DOC}", re.MULTILINE)
HEAD = re.compile(
    r"^[ \t]*(?:class|def|async def)[ \t]+(?P<name>\w+)(?P<bases>\([^()]*(?:\([^()]*\)[^()]*)*\))?[^:\n]*:"
    rf"(?P<gap>\s*)(?:{DOC})?",
    re.MULTILINE,
)
FACT = re.compile(rf"^([ \t]+)({'|'.join(FACTS)})\b[^=\n]*=\s*\(?((?:\s*(?:\"[^\"\n]*\"|'[^'\n]*'))+)", re.MULTILINE)
MARGIN = re.compile(r"^\S", re.MULTILINE)
IMPORT = re.compile(r"^[ \t]*from[ \t]+(\.*)([\w.]*)[ \t]+import[ \t]+(\([^)]*\)|.*)", re.MULTILINE)
ALIAS = re.compile(r"(\w+)(?:[ \t]+as[ \t]+(\w+))?")


def describe(target: str) -> tuple[str, dict[str, str]]:
    """The first docstring line of a target, and a class's string constants among `FACTS`, its bases' included.

    A target that is neither a class nor a function has the docstring of its module. What cannot be read is empty.
    """
    module, name = split(target)
    if head := _heads(module).get(name):
        return head["doc"] or "", _facts(module, name, frozenset())
    doc = MODULE.match(_text(module))
    return doc["doc"] if doc else "", {}


def describe_object(thing: object) -> tuple[str, dict[str, str]]:
    """The same of an object: its docstring, or the `summary` that it carries."""
    if not callable(thing):
        return getattr(thing, "summary", ""), {}
    facts = {name: getattr(thing, name, "") for name in FACTS}
    doc = (thing.__doc__ or "").strip().partition("\n")[0]
    generated = isinstance(thing, type) and doc.startswith(f"{thing.__name__}(")  # by dataclass, where there is none
    return "" if generated else doc, {name: value for name, value in facts.items() if isinstance(value, str) and value}


def verify(target: str) -> None:
    """Reads the source of a target, without importing it, for whether it can be there.

    Raises:
        PluginError: the target is malformed, its module does not exist or cannot be parsed, or lacks the name.
    """
    module, name = split(target)
    path = source(module)
    if path is None:
        return
    try:
        text = path.read_text("utf-8")
        symbols = symtable.symtable(text, str(path), "exec").get_symbols()
    except SyntaxError as error:
        raise PluginError(f"{path}, line {error.lineno}: {error.msg}") from error
    except (OSError, ValueError) as error:
        raise PluginError(f"{path} cannot be read: {error}") from error
    names = {symbol.get_name() for symbol in symbols if symbol.is_assigned() or symbol.is_imported()}
    if not {name, "__getattr__"} & names and not re.search(r"^[ \t]*from .* import \*", text, re.MULTILINE):
        raise PluginError(_missing(target, str(path), name, names))


def resolve(target: str) -> Any:
    """The object that a target names, its module imported.

    Raises:
        PluginError: the target is malformed, its module fails to import, or lacks the name.
    """
    module, name = split(target)
    try:
        loaded = importlib.import_module(module)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise PluginError(f"importing '{module}' failed: {type(error).__name__}: {error}") from error
    try:
        return getattr(loaded, name)
    except AttributeError:
        raise PluginError(_missing(target, module, name, vars(loaded))) from None


def split(target: str) -> tuple[str, str]:
    """The module and the name of a target. Raises PluginError where it is not of the form "module:Name"."""
    match = TARGET.fullmatch(target)
    if not match:
        raise PluginError(f'got the target {target!r}; expected "module:Name", or the object itself')
    return match[1], match[2]


def source(module: str) -> Path | None:
    """The source file of a module, located without importing it; None where it has none in Python.

    Raises:
        PluginError: there is no such module.
    """
    name, *parts = module.split(".")
    spec = find_spec(name)
    for part in parts:
        inside = spec.submodule_search_locations if spec else None
        if inside is None:
            break
        name = f"{name}.{part}"
        spec = PathFinder.find_spec(name, inside)
    if spec is None or name != module:
        raise PluginError(f"there is no module '{module if spec else name}'")
    return Path(spec.origin) if spec.origin and spec.origin.endswith(".py") else None


@functools.cache
def _text(module: str) -> str:
    try:
        path = source(module)
        return path.read_text("utf-8") if path else ""
    except (PluginError, OSError, ValueError):
        return ""


@functools.cache
def _heads(module: str) -> dict[str, re.Match[str]]:
    """The first lines of a module's classes and functions, by name; the first of a name counts."""
    return {head["name"]: head for head in reversed(list(HEAD.finditer(_text(module))))}


def _facts(module: str, name: str, below: frozenset[tuple[str, str]]) -> dict[str, str]:
    """The string constants among `FACTS` of a class and of its bases, each read in the text of its own module."""
    head, text = _heads(module).get(name), _text(module)
    bases = (head["bases"] or "()")[1:-1].split(",") if head else [name]  # without a head: imported, as by a facade
    facts: dict[str, str] = {}
    for place in [_place(module, base.strip()) for base in reversed(bases)]:
        facts |= {} if place in below else _facts(*place, below | {place})
    if head:
        indent, end = head["gap"].rpartition("\n")[2], MARGIN.search(text, head.end())
        body = indent + text[head.end("gap") : end.start() if end else None]
        facts |= {
            key: ast.literal_eval(syntax_tree(f"({value})", "eval"))
            for gap, key, value in FACT.findall(body)
            if gap == indent
        }
    return {key: facts[key] for key in FACTS if facts.get(key)}


def _place(module: str, base: str) -> tuple[str, str]:
    """Module and name of a base class: where it is imported from, else this module; `Strategy` is tlx's."""
    owner, _, name = base.rpartition(".")
    if name == ROOT[1] and owner in ("", "tlx"):
        return ROOT
    return (owner, name) if owner else _imports(module).get(name, (module, name))


@functools.cache
def _imports(module: str) -> dict[str, tuple[str, str]]:
    """Module and name of what a module imports by `from`, by the name that it has there; the first of a name counts."""
    places: dict[str, tuple[str, str]] = {}
    for dots, home, names in IMPORT.findall(_text(module)):
        path = source(module) if dots else None
        inside = [*module.split("."), "__init__"] if path and path.name == "__init__.py" else module.split(".")
        home = ".".join([*inside[: -len(dots)], *([home] if home else [])]) if dots else home
        for name, alias in ALIAS.findall(names):
            places.setdefault(alias or name, (home, name))
    return places


def _missing(target: str, where: str, name: str, known: Iterable[str]) -> str:
    public = [item for item in known if not item.startswith("_")]
    guess = nearest(name, public)
    return f"target '{target}': {where} has no '{name}'. " + (
        f"Did you mean {' or '.join(guess)}?" if guess else f"It has: {', '.join(sorted(public)) or 'nothing'}."
    )
