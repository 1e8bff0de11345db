"""Fingerprints of code: of what plugins bring, which its documentation does not change, and of tlx itself."""

import ast
import functools
import hashlib
import sys
from collections.abc import Iterable, Iterator
from importlib.machinery import PathFinder
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

from tlx.errors import PluginError
from tlx.plugins.target import source
from tlx.runs.environment import PACKAGES
from tlx.syntax import syntax_tree

ENGINE = ("contract.py", "engine", "ops", "layers", "native", "augment", "blocks")
INSTALLED = ("site-packages", "dist-packages")


def fingerprint(thing: Any) -> str:
    """The sha256 of the code that makes a class, a function or an object; "" without a source.

    That is the text of its module, and of the modules that this imports, at its top or inside functions: those of its
    own package, of plugins, and files of the user's, as a helper beside a plugin file. Of a composed strategy it is
    that of its parts' fingerprints. Comments, docstrings and layout do not count. tlx itself and installed packages do
    not count: commit and versions are in the result.
    """
    if kinds := getattr(thing, "kinds", None):
        parts = [fingerprint(kind) for kind in kinds.values()]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest() if all(parts) else ""
    while isinstance(thing, functools.partial):
        thing = thing.func
    return fingerprint_of_modules([getattr(thing, "__module__", "")])


def fingerprint_of_modules(names: Iterable[str]) -> str:
    """The same of what these modules hold."""
    texts: dict[str, str] = {}
    todo = [(name, True) for name in names]
    while todo:
        name, is_root = todo.pop()
        if name in texts:
            continue
        try:
            module = sys.modules.get(name)
            texts[name], imported = _read(source(name), name) if module is None else _read_once(module)
        except (ImportError, OSError, PluginError, SyntaxError, ValueError):
            if is_root:
                return ""
        else:
            todo += [(other, False) for other in imported if _counts(other, name)]
    return hashlib.sha256("\n".join(texts[name] for name in sorted(texts)).encode()).hexdigest() if texts else ""


def engine_fingerprint() -> str:
    """The sha256 of the files of tlx that a run's numbers depend on, of its engine and what that is built from."""
    return fingerprint_of_rooms(*ENGINE)


@functools.cache
def fingerprint_of_rooms(*rooms: str) -> str:
    """The sha256 of the files in folders of tlx."""
    root = Path(__file__).parents[1]
    content = hashlib.sha256()
    for room in rooms:
        files = sorted((root / room).rglob("*")) if (root / room).is_dir() else [root / room]
        for path in files:
            if path.suffix in (".py", ".h", ".cc"):
                content.update(f"{path.relative_to(root).as_posix()}\0".encode() + path.read_bytes())
    return content.hexdigest()


@functools.cache
def _read_once(module: ModuleType) -> tuple[str, tuple[str, ...]]:
    """As `_read`, when first asked for, shortly after the import: what is written to the file later does not run."""
    path = getattr(module, "__file__", None)
    return _read(path and Path(path), module.__name__)


def _read(path: Path | None, name: str) -> tuple[str, tuple[str, ...]]:
    """The code of a module and the names of what it imports. Raises OSError, SyntaxError without a source."""
    if path is None:
        raise FileNotFoundError(f"the source of {name}")
    tree = syntax_tree(path.read_bytes())
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            if ast.get_docstring(node, clean=False) is not None:
                node.body = node.body[1:] or [ast.Pass()]
    return ast.unparse(tree), tuple(dict.fromkeys(_imported(tree, name)))


def _imported(tree: ast.Module, name: str) -> Iterator[str]:
    """The names of what a module imports; of `from a import b` both "a" and "a.b", which need not be a module."""
    inside = name.split(".") if hasattr(sys.modules.get(name), "__path__") else name.split(".")[:-1]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            home = inside[: len(inside) - node.level + 1] if node.level else []
            base = ".".join([*home, *([node.module] if node.module else [])])
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


def _counts(name: str, importer: str) -> bool:
    """Whether the code of a module counts where another one imports it."""
    top = name.partition(".")[0]
    if top == importer.partition(".")[0] or top in _plugins():
        return True
    if top in sys.stdlib_module_names or top in ("tlx", *PACKAGES):
        return False
    file = getattr(sys.modules.get(top), "__file__", None)
    found = None if file else PathFinder.find_spec(top)
    if not file and found:
        file = found.origin or next(iter(found.submodule_search_locations or ()), None)
    if not file or set(INSTALLED) & set(Path(file).parts):
        return False
    beside = Path(file).parent.parent if Path(file).name == "__init__.py" else Path(file).parent
    return not any(beside.glob("*.dist-info"))


@functools.cache
def _plugins() -> frozenset[str]:
    """The packages of installed plugins."""
    return frozenset(point.value.partition(":")[0].partition(".")[0] for point in entry_points(group="tlx"))
