"""Lazy targets, "module:Name": described from their module's source without importing it, and resolved on demand."""

import ast
import functools
import importlib
import re
import sys
from collections.abc import Iterable, Iterator
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

from tlx.errors import PluginError, nearest

FACTS = ("setting", "needs", "paper")
BASE = "tlx.contract", "Strategy"
TARGET = re.compile(r"([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*):([A-Za-z_]\w*)")


def describe(target: str) -> tuple[str, dict[str, str]]:
    """The first docstring line of a target, and its string constants among `FACTS`, without importing its module.

    A target that is neither a class nor a function has the docstring of its module.

    Raises:
        PluginError: the target is malformed, its module does not exist or cannot be parsed, or lacks the name.
    """
    module, name = split(target)
    path = source(module)
    if path is None:
        return "", {}
    tree = parse(path)
    names = dict(_definitions(tree.body))
    node = names.get(name)
    if node is None and not names.keys() & {"*", "__getattr__"}:
        raise PluginError(_missing(target, str(path), name, names))
    documented = isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
    summary = first_line(ast.get_docstring(node if documented else tree))
    facts = _facts(module, tree, node, frozenset()) if isinstance(node, ast.ClassDef) else {}
    return summary, {name: facts[name] for name in FACTS if facts.get(name)}


def describe_object(thing: object) -> tuple[str, dict[str, str]]:
    """The same for an object that is there: its docstring, or the `summary` that it carries."""
    if not (isinstance(thing, type) or callable(thing)):
        return first_line(getattr(thing, "summary", "")), {}
    facts = {name: getattr(thing, name, "") for name in FACTS}
    doc = first_line(thing.__doc__)
    generated = isinstance(thing, type) and doc.startswith(f"{thing.__name__}(")  # by dataclass, where there is none
    return "" if generated else doc, {name: value for name, value in facts.items() if isinstance(value, str) and value}


def resolve(target: str) -> Any:
    """The object that a target names, its module imported.

    Raises:
        PluginError: the target is malformed, its module fails to import, or lacks the name.
    """
    module, name = split(target)
    try:
        loaded = importlib.import_module(module)
    except (Exception, SystemExit) as error:
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
    """The source file of a module, found without importing it; None where it has none in Python.

    Raises:
        PluginError: there is no such module.
    """
    spec, parts = None, module.split(".")
    for end in range(1, len(parts) + 1):
        name = ".".join(parts[:end])
        inside = spec.submodule_search_locations if spec else None
        spec = None if end > 1 and inside is None else _find(name, inside)
        if spec is None:
            raise PluginError(f"there is no module '{name}'")
    origin = spec.origin if spec else None
    return Path(origin) if origin and origin.endswith(".py") else None


@functools.cache
def parse(path: Path) -> ast.Module:
    """The syntax tree of a source file. Raises PluginError, which names file and line, where there is none."""
    try:
        return ast.parse(path.read_bytes(), filename=str(path))
    except SyntaxError as error:
        raise PluginError(f"{path}, line {error.lineno}: {error.msg}") from error
    except (OSError, ValueError) as error:
        raise PluginError(f"{path} cannot be read: {error}") from error


def first_line(text: object) -> str:
    """The first line of a docstring; empty where there is none."""
    return text.strip().partition("\n")[0].strip() if isinstance(text, str) else ""


def _find(name: str, inside: Any) -> ModuleSpec | None:
    loaded = getattr(sys.modules.get(name), "__spec__", None)
    found = (finder.find_spec(name, inside) for finder in sys.meta_path if hasattr(finder, "find_spec"))
    return loaded or next((spec for spec in found if spec), None)


def _definitions(body: Iterable[ast.stmt]) -> Iterator[tuple[str, ast.stmt]]:
    for node in body:
        match node:
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield name, node
            case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
                yield from ((alias.asname or alias.name, node) for alias in aliases)
            case ast.Assign() | ast.AnnAssign():
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                names = (item for target in targets for item in ast.walk(target))
                yield from ((item.id, node) for item in names if isinstance(item, ast.Name))
            case ast.If() | ast.Try() | ast.With():
                inner = (item for item in ast.iter_child_nodes(node) if isinstance(item, ast.stmt | ast.ExceptHandler))
                for item in inner:
                    yield from _definitions(item.body if isinstance(item, ast.ExceptHandler) else [item])


def _facts(module: str, tree: ast.Module, node: ast.ClassDef, above: frozenset[tuple[str, str]]) -> dict[str, str]:
    """The string constants among `FACTS` of a class and of its bases, each found in the source of its own module."""
    facts: dict[str, str] = {}
    for base in reversed(node.bases):
        place = _place(module, tree, base)
        if place not in above:
            facts |= _facts_at(*place, above | {place})
    for item in node.body:
        if isinstance(item, ast.Assign | ast.AnnAssign) and isinstance(item.value, ast.Constant):
            for target in item.targets if isinstance(item, ast.Assign) else [item.target]:
                if isinstance(target, ast.Name) and target.id in FACTS and isinstance(item.value.value, str):
                    facts[target.id] = item.value.value
    return facts


def _facts_at(module: str, name: str, above: frozenset[tuple[str, str]]) -> dict[str, str]:
    try:
        path = source(module)
        tree = parse(path) if path else ast.Module([], [])
    except PluginError:
        return {}
    node = dict(_definitions(tree.body)).get(name)
    if isinstance(node, ast.ClassDef):
        return _facts(module, tree, node, above)
    place = _place(module, tree, ast.Name(name))
    return {} if place in above else _facts_at(*place, above | {place})


def _place(module: str, tree: ast.Module, base: ast.expr) -> tuple[str, str]:
    """Module and name of a base class: where it is imported from, else this module; `Strategy` is tlx's."""
    owner, _, name = ast.unparse(base).rpartition(".")
    if name == BASE[1] and owner in ("", "tlx"):
        return BASE
    if owner:
        return owner, name
    for item in ast.walk(tree):
        if isinstance(item, ast.ImportFrom):
            for alias in item.names:
                if name == (alias.asname or alias.name):
                    return _imported(module, item), alias.name
    return module, name


def _imported(module: str, item: ast.ImportFrom) -> str:
    """The module that `from ... import` names; a package is where its `__init__.py` is."""
    if not item.level:
        return item.module or ""
    path = source(module)
    package = module if path and path.name == "__init__.py" else module.rpartition(".")[0]
    parts = package.split(".")[: len(package.split(".")) - item.level + 1]
    return ".".join([*parts, *([item.module] if item.module else [])])


def _missing(target: str, where: str, name: str, known: Iterable[str]) -> str:
    public = [item for item in known if not item.startswith("_")]
    guess = nearest(name, public)
    return f"target '{target}': {where} has no '{name}'. " + (
        f"Did you mean {' or '.join(guess)}?" if guess else f"It has: {', '.join(sorted(public)) or 'nothing'}."
    )
