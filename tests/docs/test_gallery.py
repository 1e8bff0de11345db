"""Each script of the gallery runs in a reduced form, and what is shown of it is of the script as it is."""

import json

import pytest
from documents import load
from pages import few_steps as few_steps

scripts = load("scripts")


@pytest.mark.parametrize("name", scripts.names())
def test_what_is_shown_is_of_this_script(name):
    """The trap: a script is changed, and the numbers beside it are of another."""
    told = json.loads((scripts.GALLERY / f"{name}.json").read_text())
    assert [cell["code"] for cell in told["cells"]] == [cell.code for cell in scripts.parts(name)[1]], (
        f"run it again: python docs/scripts.py {name}"
    )
    pictures = [f"{name}.{picture}" for cell in told["cells"] for picture in cell["pictures"]]
    assert all((scripts.GALLERY / picture).stat().st_size < 200_000 for picture in pictures)


@pytest.mark.parametrize("name", scripts.names())
def test_it_opens_with_what_it_shows_and_how_long_it_takes(name):
    head, cells = scripts.parts(name)
    assert "\n\nShows: " in head and "\n\nTakes: " in head
    text = (scripts.GALLERY / f"{name}.py").read_text()
    lines = [line for cell in cells for line in (*cell.prose.splitlines(), *cell.code.splitlines())]
    kept = [line.removeprefix("# ").removeprefix("#") for line in text.split('"""\n', 1)[1].splitlines()]
    assert [line for line in lines if line] == [line for line in kept if line], "the page leaves lines of it out"


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.usefixtures("few_steps")
@pytest.mark.parametrize("name", scripts.names())
def test_it_runs(name, tmp_path):
    matplotlib = pytest.importorskip("matplotlib", reason="the pictures need matplotlib: pip install 'tlx[docs]'")
    matplotlib.use("Agg")
    told = json.loads((scripts.GALLERY / f"{name}.json").read_text())["cells"]
    done = scripts.run(name, tmp_path)
    assert [bool(cell["out"]) for cell in done] == [bool(cell["out"]) for cell in told]
    assert [cell["pictures"] for cell in done] == [cell["pictures"] for cell in told]
