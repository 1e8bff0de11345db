"""Imports obey the arrows: a part imports only what stands to its left, and plugins only tlx's public names."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# each part of tlx, and the parts that it may import; `tlx` is the facade, tlx/__init__.py
ARROWS = {
    "errors": "",
    "contract": "errors",
    "hooks": "",
    "ops": "errors contract",
    "layers": "errors contract",
    "blocks": "errors contract ops",
    "data": "errors",
    "store": "errors data",
    "augment": "errors contract",
    "score": "errors contract",
    "weights": "errors contract data store",
    "engine": "errors contract ops layers blocks data augment score weights",
    "plugins": "tlx errors hooks data contract blocks",
    "observers": "tlx errors",
    "runs": "tlx errors contract data store score weights engine hooks plugins observers",
    "rank": "tlx errors contract data store score weights engine plugins runs",
    "report": "errors score runs rank",
    "reproduce": "tlx errors data runs report plugins",
    "testing": "tlx errors contract ops layers data store score engine",
    "cli": "tlx errors hooks plugins data store runs rank observers report reproduce testing",
}
PUBLIC = {
    "tlx", "tlx.blocks", "tlx.data", "tlx.layers", "tlx.ops", "tlx.score", "tlx.store", "tlx.testing", "tlx.weights"
}  # fmt: skip
WITHOUT_JAX = (
    "tlx tlx.errors tlx.hooks tlx.plugins tlx.cli tlx.cli.scaffold tlx.data tlx.store tlx.engine.recipe tlx.runs "
    "tlx.runs.spec tlx.runs.store tlx.runs.suite tlx.report tlx.reproduce tlx.score.metrics tlx.score.selectors "
    "tlx.weights"
).split()


def imports(path: Path) -> Iterator[str]:
    """The modules that a file imports, at its top or inside functions, but for type checkers."""
    tree = ast.parse(path.read_text())
    typed = [node for node in ast.walk(tree) if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"]
    skipped = {id(item) for node in typed for item in ast.walk(node)}
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: relative import"
            if node.module != "tlx":
                yield str(node.module)
                continue
            for alias in node.names:  # a part of tlx, or a name of the facade
                found = ROOT / "tlx" / alias.name
                yield f"tlx.{alias.name}" if found.is_dir() or found.with_suffix(".py").is_file() else "tlx"


def part(module: str) -> str:
    """The part of tlx that a module belongs to: "tlx.runs.spec" -> "bench"."""
    return module.split(".")[1] if "." in module else "tlx"


def own(path: Path) -> str:
    return part(".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"))


FILES = [path for path in sorted((ROOT / "tlx").rglob("*.py")) if path != ROOT / "tlx/__init__.py"]
PLUGINS = [path for path in sorted((ROOT / "plugins").rglob("*.py")) if "tests" not in path.parts]
BENCHMARKS = {"suites": "tlx_suites", "literature": "tlx_literature"}
PLUGINS += [path for folder in BENCHMARKS for path in sorted((ROOT / "benchmarks" / folder).glob("*.py"))]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_arrows_of_tlx(path):
    allowed = {own(path), *ARROWS[own(path)].split()}
    for module in imports(path):
        top = module.split(".")[0]
        assert top == "tlx" or not top.startswith("tlx_"), f"{path.name} imports a plugin, {module}"
        if top == "tlx":
            assert part(module) in allowed, f"{path.name} imports {module}; {own(path)} may import {sorted(allowed)}"


@pytest.mark.parametrize("path", PLUGINS, ids=lambda path: str(path.relative_to(ROOT)))
def test_plugins_import_public_names_only(path):
    package = BENCHMARKS.get(path.parent.name, path.parent.name)
    for module in imports(path):
        top = module.split(".")[0]
        if top == "tlx":
            assert module in PUBLIC, f"{path.name} imports {module}; expected one of {sorted(PUBLIC)}"
        elif top.startswith("tlx_"):
            assert top == package, f"{path.name} imports {module} of another plugin"


def test_arrows_point_one_way():
    seen = set()
    order = dict(ARROWS)
    while order:
        free = [name for name, needs in order.items() if set(needs.split()) - {"tlx"} <= seen]
        assert free, f"a circle among {sorted(order)}"
        seen |= {free[0]}
        del order[free[0]]


def test_facade_imports_nothing_of_tlx():
    assert [module for module in imports(ROOT / "tlx/__init__.py") if module.startswith("tlx")] == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import tlx.runs.spec", ["tlx.runs.spec"]),
        ("def f():\n    from tlx.engine import recipe", ["tlx.engine"]),
        ("from tlx import runs, Strategy", ["tlx.runs", "tlx"]),
        ("if TYPE_CHECKING:\n    import jax", []),
    ],
)
def test_imports_are_found(tmp_path, source, found):
    (tmp_path / "x.py").write_text(source)
    assert list(imports(tmp_path / "x.py")) == found


@pytest.mark.parametrize("module", WITHOUT_JAX)
def test_imports_no_jax(module):
    code = f"import sys, {module}; sys.exit(' '.join({{'jax', 'flax', 'optax'}} & sys.modules.keys()))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT).stderr.strip() == ""
