"""Imports obey the arrows: a part imports only what stands to its left, and plugins only tlx's public names.

No modules import each other in a circle, and the command line starts without JAX.
"""

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
    "printable": "",
    "counted": "",
    "syntax": "",
    "contract": "errors",
    "hooks": "",
    "ops": "errors",
    "native": "errors",
    "layers": "native",
    "blocks": "errors contract ops",
    "data": "errors",
    "store": "errors data",
    "augment": "errors syntax contract",
    "score": "errors contract",
    "weights": "errors contract data store",
    "engine": "errors contract native ops layers blocks data augment score weights",
    "plugins": "tlx errors syntax hooks data contract blocks",
    "observers": "tlx errors",
    "runs": "tlx errors syntax contract blocks data store score weights engine hooks plugins observers",
    "executors": "tlx errors plugins runs engine",
    "rank": "tlx errors contract data store score weights engine plugins runs",
    "report": "errors printable counted data score plugins runs rank",
    "reproduce": "tlx errors counted data store runs report plugins",
    "trained": "tlx errors contract native data store weights engine plugins runs",
    "sklearn": "errors data engine runs trained",
    "lab": "tlx errors data plugins observers engine runs executors rank report reproduce trained",
    "testing": "tlx errors contract ops layers data store score engine",
    "cli": "tlx errors printable counted hooks native plugins data store engine runs executors lab rank observers "
    "report reproduce testing trained",
}
PUBLIC = {
    "tlx", "tlx.blocks", "tlx.data", "tlx.executors", "tlx.layers", "tlx.ops", "tlx.report", "tlx.score", "tlx.store",
    "tlx.testing", "tlx.weights",
}  # fmt: skip
WITHOUT_JAX = (
    "tlx tlx.errors tlx.hooks tlx.plugins tlx.cli tlx.cli.scaffold tlx.data tlx.store tlx.engine.recipe tlx.runs "
    "tlx.executors "
    "tlx.runs.spec tlx.runs.store tlx.runs.suite tlx.report tlx.reproduce tlx.score.metrics tlx.score.selectors "
    "tlx.weights tlx.native"
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


def test_the_command_line_imports_no_jax():
    """One interpreter imports all of them and stops where one asks for JAX; its traceback says who does."""
    code = """
import importlib, sys, traceback

class Refuse:
    def find_spec(self, name, *_):
        if name.split(".")[0] in ("jax", "flax", "optax"):
            traceback.print_stack()
            sys.exit(1)

sys.meta_path.insert(0, Refuse())
for module in sys.argv[1:]:
    importlib.import_module(module)
"""
    done = subprocess.run([sys.executable, "-c", code, *WITHOUT_JAX], capture_output=True, text=True, cwd=ROOT)
    assert (done.returncode, done.stderr.strip()) == (0, "")


def test_wrong_names_of_a_run_are_told_without_jax():
    code = """
import sys, tlx
for names in (("mnist5k->optdigits", "nothing"), ("nothing->optdigits", "dann")):
    try:
        tlx.Lab(progress=False).run(*names)
    except tlx.UnknownName:
        assert "jax" not in sys.modules
    else:
        sys.exit("it ran")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert (done.returncode, done.stderr.strip()) == (0, "")


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def needs(path: Path, typed: bool) -> set[str]:
    """The modules of tlx that a file imports anywhere; with `typed`, those for type checkers too."""
    tree, needed = ast.parse(path.read_text()), set()
    hidden = [node for node in ast.walk(tree) if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"]
    skipped = set() if typed else {id(item) for node in hidden for item in ast.walk(node)}
    for node in ast.walk(tree):
        if id(node) in skipped or not isinstance(node, ast.Import | ast.ImportFrom):
            continue
        if isinstance(node, ast.Import):
            needed |= {alias.name for alias in node.names}
        else:  # a module of the package, or a name in it
            needed |= {f"{node.module}.{alias.name}" for alias in node.names} & MODULES.keys()
            needed |= {str(node.module)} if any(f"{node.module}.{a.name}" not in MODULES for a in node.names) else set()
    return (needed & MODULES.keys()) - {name_of(path)}


def circles(typed: bool) -> set[tuple[str, ...]]:
    """The largest sets of modules each of which leads to each other by imports."""
    graph = {name: needs(path, typed) for name, path in MODULES.items()}

    def reached(name: str) -> set[str]:
        seen, ahead = set(), [name]
        while ahead:
            new = graph[ahead.pop()] - seen
            seen |= new
            ahead.extend(new)
        return seen

    leads = {name: reached(name) for name in graph}
    return {tuple(sorted({b for b in leads[a] if a in leads[b]})) for a in graph if a in leads[a]}


MODULES = {name_of(path): path for path in FILES}
FOR_TYPES_ONLY = {  # circles that only type checkers follow: signatures that name each other's classes
    ("tlx.data.prior", "tlx.data.shares"),
    ("tlx.lab", "tlx.reproduce.api"),
    ("tlx.plugins.composed", "tlx.plugins.registry", "tlx.plugins.tasks"),
    ("tlx.runs.frame", "tlx.runs.notebook", "tlx.runs.result", "tlx.runs.sound"),
    ("tlx.trained.export", "tlx.trained.trained"),
}


def test_no_modules_import_each_other():
    """Imports inside functions count: they hide a circle from Python, not from a reader."""
    assert circles(typed=False) == set()


def test_circles_for_type_checkers_are_those_named_here():
    assert circles(typed=True) == FOR_TYPES_ONLY
