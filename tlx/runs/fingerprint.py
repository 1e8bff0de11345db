"""Fingerprints of code: of a strategy, which its documentation does not change, and of what trains it."""

import ast
import functools
import hashlib
import sys
from pathlib import Path
from types import ModuleType

ROOMS = ("engine", "ops", "layers", "native", "augment", "blocks")


def fingerprint(strategy: type) -> str:
    """The sha256 of the strategy's module and of the modules of its own package that it imports; "" without a source.

    Of a composed strategy, that of its parts' fingerprints. Comments, docstrings and layout do not count. tlx itself
    does not count: its commit and version are in the result.
    """
    if kinds := getattr(strategy, "kinds", None):
        parts = [fingerprint(kind) for kind in kinds.values()]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest() if all(parts) else ""
    modules: dict[str, ModuleType] = {}
    _collect(sys.modules.get(strategy.__module__), modules)
    try:
        texts = [_bare(Path(str(modules[name].__file__))) for name in sorted(modules)]
    except (AttributeError, OSError, SyntaxError):
        return ""
    return hashlib.sha256("\n".join(texts).encode()).hexdigest() if texts else ""


@functools.cache
def engine_fingerprint() -> str:
    """The sha256 of the files of tlx that a run's numbers depend on, of its engine and what that is built from."""
    root = Path(__file__).parents[1]
    files = [path for room in ROOMS for path in sorted((root / room).rglob("*")) if path.suffix in (".py", ".h", ".cc")]
    content = hashlib.sha256()
    for path in [root / "contract.py", *files]:
        content.update(f"{path.relative_to(root).as_posix()}\0".encode() + path.read_bytes())
    return content.hexdigest()


def _collect(module: ModuleType | None, modules: dict[str, ModuleType]) -> None:
    """Adds a module and, through the names it holds, those of the same top-level package."""
    if module is None or module.__name__ in modules:
        return
    modules[module.__name__] = module
    top = module.__name__.partition(".")[0]
    for value in list(vars(module).values()):
        name = value.__name__ if isinstance(value, ModuleType) else getattr(value, "__module__", None)
        if isinstance(name, str) and name.partition(".")[0] == top:
            _collect(sys.modules.get(name), modules)


def _bare(path: Path) -> str:
    tree = ast.parse(path.read_bytes())
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            if ast.get_docstring(node, clean=False) is not None:
                node.body = node.body[1:] or [ast.Pass()]
    return ast.unparse(tree)
