"""What is asked of the files beside this one: strategies are short, and import what is public."""

import ast
from pathlib import Path

import pytest

PUBLIC = {"tlx", "tlx.blocks", "tlx.data", "tlx.layers", "tlx.ops", "tlx.testing"}
FILES = sorted(path for path in Path(__file__).parent.glob("*.py") if path != Path(__file__))
LINES = 40


def trees(*without: str):
    return [pytest.param(ast.parse(path.read_text()), id=path.stem) for path in FILES if path.stem not in without]


@pytest.mark.parametrize("tree", trees())
def test_a_strategy_has_40_lines_at_most(tree):
    """From its decorator to its last line."""
    for item in ast.walk(tree):
        if isinstance(item, ast.ClassDef) and any("strategy" in ast.unparse(each) for each in item.decorator_list):
            lines = (item.end_lineno or 0) - item.decorator_list[0].lineno + 1
            assert lines <= LINES, f"{item.name} has {lines} lines"


@pytest.mark.parametrize("tree", trees("test_bad_input"))  # which counts compiled programs
def test_it_imports_public_rooms_alone(tree):
    modules = []
    for item in ast.walk(tree):
        if isinstance(item, ast.Import):
            modules += [alias.name for alias in item.names]
        elif isinstance(item, ast.ImportFrom):
            modules.append(item.module or "")
    assert {name for name in modules if name.split(".")[0].startswith("tlx")} <= PUBLIC
