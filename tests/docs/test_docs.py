"""The documentation has every public name, plugin, command and option, and its links lead somewhere."""

import re
import tomllib
from importlib import import_module

import click
import pytest
from documents import DOCS, load

import tlx
from tlx.cli import cli
from tlx.plugins import KINDS, Registry

ROOT = DOCS.parent
BUILT_IN = ",".join(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]["tlx"])
READ_AS_FILES = ("README.md", "CONTRIBUTING.md", "plugins/README.md", "benchmarks/README.md", "SECURITY.md")


@pytest.fixture(scope="module")
def generate():
    return load("generate")


def test_the_picture_is_of_the_committed_results():
    picture = load("picture")
    rows = picture.rows()
    assert {"source_only", "dann"} <= {name for name, *_ in rows}
    assert (DOCS / "quick.svg").read_text() == picture.draw(rows)


def test_every_public_name_is_there(generate):
    text = {room: generate.room_page(room) for room in generate.ROOMS}
    names = [(room, name) for room in generate.ROOMS for name in import_module(room).__all__]
    assert len(names) > 250 and [name for room, name in names if f"\n## `{name}`\n" not in text[room]] == []
    assert {name for name in dir(tlx) if name[0].isupper()} - {"TYPE_CHECKING", "Any"} <= set(vars(tlx)["__all__"])
    assert "Lab.sweep(self, task" in text["tlx"] and "Trained.predict_proba(self, x" in text["tlx"]
    assert "\nmmd_quadratic(source: Float[Array, 'n width'], target: Float[Array, 'm width']," in text["tlx.ops"]


def test_lines_of_a_docstring_that_were_broken_at_the_width_of_the_code_flow(generate):
    long = "word " * 22
    text = f"One line.\n\n{long}and\nbroken.\n- a point\nshort\nline\n{long}\nx = y\n"
    assert generate._flowing(text) == f"One line.\n\n{long}and broken.\n- a point\nshort\nline\n{long}\nx = y"


def test_every_room_that_plugins_import_from_is_there(generate):
    used = {
        room
        for path in (ROOT / "plugins").rglob("*.py")
        for room in re.findall(r"^\s*(?:from|import) (tlx(?:\.\w+)?)\b", path.read_text(), re.MULTILINE)
    }
    assert "tlx.ops" in used and used <= set(generate.ROOMS)


def test_every_plugin_is_there(generate):
    text = generate.plugins()
    registry = Registry.load(environ={"TLX_PLUGINS": BUILT_IN})
    assert [entry.name for kind in KINDS for entry in registry.entries(kind) if f"`{entry.name}`" not in text] == []
    assert "| Ganin et al. 2016 |" in text
    told = generate.strategies()
    assert [entry.name for entry in registry.entries("strategies") if f"\n## `{entry.name}`\n" not in told] == []


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


def test_every_page_is_in_the_contents(generate):
    """The trap: a page that nothing leads to, or a script of the gallery."""
    listed = (DOCS / "index.md").read_text() + (DOCS / "gallery.md").read_text()
    listed += generate.api().replace("\napi_", "\ngenerated/api_")
    there = [path.stem for path in DOCS.glob("*.md") if path.stem != "index"]
    there += [f"generated/{name}" for name in generate.pages() if not name.startswith("parts/")]
    assert [name for name in there if f"\n{name}\n" not in listed] == []


@pytest.mark.parametrize("page", ["choose", "from_others", "concepts", "faq"])
def test_strategies_that_are_recommended_exist(page):
    """Everything in backticks of the columns that name strategies, also "dann+rs+rw"."""
    registry = Registry.load(environ={"TLX_PLUGINS": BUILT_IN})
    tables = re.findall(r"^\|.*\|$", (DOCS / f"{page}.md").read_text(), re.MULTILINE) if page == "choose" else []
    named = {name for row in tables for cell in row.split("|")[2:] for name in re.findall(r"`([\w+]+)`", cell)}
    text = (DOCS / f"{page}.md").read_text()
    named |= set(re.findall(r"`(\w+(?:\+\w+)+)`", text)) - {"a+b"}
    for name in named:
        registry.entry("strategies", name)
    assert page != "choose" or len(named) > 30


@pytest.mark.parametrize("name", READ_AS_FILES)
def test_links_of_pages_that_are_read_as_files_lead_somewhere(name):
    for path, anchor in re.findall(r"\]\((?!https?:)([^)#\s]*)#?([^)\s]*)\)", (ROOT / name).read_text()):
        target = (ROOT / name).parent / path if path else ROOT / name
        assert target.exists(), f"{name}: {path}"
        if anchor:
            headings = re.findall(r"^#+ (.*)$", target.read_text(), re.MULTILINE)
            slugs = [re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings]
            assert anchor in slugs, f"{name}: {path}#{anchor}"
