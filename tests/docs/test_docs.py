"""The documentation has every public name, plugin, command and option, and builds without a warning."""

import importlib.util
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import click
import pytest

import tlx
from tlx.cli import cli
from tlx.plugins import KINDS, Registry

DOCS = Path(__file__).parents[2] / "docs"
BUILT_IN = ",".join(tomllib.loads((DOCS.parent / "pyproject.toml").read_text())["project"]["entry-points"]["tlx"])


def load(name):
    found = importlib.util.spec_from_file_location(f"docs_{name}", DOCS / f"{name}.py")
    assert found and found.loader
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def generate():
    return load("generate")


def test_the_picture_is_of_the_committed_results():
    picture = load("picture")
    rows = picture.rows()
    assert {"source_only", "dann"} <= {name for name, *_ in rows}
    assert (DOCS / "quick.svg").read_text() == picture.draw(rows)


def test_every_public_name_is_there(generate):
    text = generate.api()
    assert [name for name in vars(tlx)["__all__"] if f"### `tlx.{name}`" not in text] == []
    assert {name for name in dir(tlx) if name[0].isupper()} - {"TYPE_CHECKING", "Any"} <= set(vars(tlx)["__all__"])


def test_every_plugin_is_there(generate):
    text = generate.plugins()
    registry = Registry.load(environ={"TLX_PLUGINS": BUILT_IN})
    assert [entry.name for kind in KINDS for entry in registry.entries(kind) if f"| `{entry.name}` |" not in text] == []
    assert "| Ganin et al. 2016 |" in text


def test_every_command_and_option_is_there(generate):
    sections = dict(re.findall(r"^## `(.*?)`\n\n````text\n(.*?)\n````$", generate.commands(), re.MULTILINE | re.DOTALL))
    assert {f"tlx {name}" for name in cli.list_commands(click.Context(cli))} <= set(sections)
    for context in generate.contexts(cli):
        for option in context.command.params:
            if isinstance(option, click.Option) and not option.hidden:
                assert option.opts[-1] in sections[context.command_path], (context.command_path, option.opts)


def test_every_page_of_results_is_there(generate):
    text = generate.numbers()
    for path in (DOCS.parent / "benchmarks/results").glob("*.md"):
        assert f"#{path.read_text().splitlines()[0]}" in text, path.name


def test_commands_of_the_pages_exist():
    known = set(cli.list_commands(click.Context(cli)))
    for page in DOCS.glob("*.md"):
        assert set(re.findall(r"(?:^|`)tlx (\w+)", page.read_text(), re.MULTILINE)) <= known, page.name


def test_strategies_of_the_choice_exist():
    registry = Registry.load(environ={"TLX_PLUGINS": BUILT_IN})
    named = re.findall(r"`(\w+)`", (DOCS / "choose.md").read_text())
    assert set(named) <= {entry.name for entry in registry.entries("strategies")}


@pytest.mark.slow
def test_it_builds_without_a_warning(tmp_path):
    for package in ("sphinx", "furo", "myst_parser"):
        pytest.importorskip(package, reason=f"the site needs {package}: pip install 'tlx[docs]'")
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", str(DOCS), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=DOCS.parent)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "index.html").is_file()
