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

FACTS = ("setting", "paper")
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
    return summary, _facts(node) if isinstance(node, ast.ClassDef) else {}


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


def _facts(node: ast.ClassDef) -> dict[str, str]:
    facts = {}
    for item in node.body:
        if isinstance(item, ast.Assign | ast.AnnAssign) and isinstance(item.value, ast.Constant):
            for target in item.targets if isinstance(item, ast.Assign) else [item.target]:
                if isinstance(target, ast.Name) and target.id in FACTS and isinstance(item.value.value, str):
                    facts[target.id] = item.value.value
    if [ast.unparse(base).rpartition(".")[2] for base in node.bases] in (["Strategy"], ["Additive"]):
        facts.setdefault("setting", "unsupervised")  # the default of tlx.Strategy, which cannot be asked without JAX
    return facts


def _missing(target: str, where: str, name: str, known: Iterable[str]) -> str:
    public = [item for item in known if not item.startswith("_")]
    guess = nearest(name, public)
    return f"target '{target}': {where} has no '{name}'. " + (
        f"Did you mean {' or '.join(guess)}?" if guess else f"It has: {', '.join(sorted(public)) or 'nothing'}."
    )
