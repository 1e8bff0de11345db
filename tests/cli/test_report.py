"""`tlx report --figure`: the file it writes, and options that do not fit."""

from pathlib import Path

import pytest

from tlx.runs.runner import Runner
from tlx.runs.store import Store

FIGURE = """
from tlx import hookimpl

def draw(figure, view):
    figure.subplots().set_title(f"{view.name(view.results[0])} by {view.selection}, {len(view.cells)}")

@hookimpl
def tlx_figures(register):
    register("note", draw)
"""


@pytest.fixture
def report(registry, world, job, tmp_path, monkeypatch, tlx_command):
    store = Store(tmp_path / "runs")
    store.prepare()
    store.write(Runner(registry)(job))
    (tmp_path / "note.py").write_text(FIGURE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TLX_PLUGINS", "")
    return lambda *args: tlx_command("report", "runs", *args, "--plugin", "note.py")


def test_a_figure_is_written_in_the_format_of_its_file(report):
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    for args, name, start in (
        ((), "note.pdf", b"%PDF"),
        (("--format", "png"), "note.png", b"\x89PNG"),
        (("--out", "a.svg", "--width", "double", "--selection", "oracle", "--tasks", "a:b"), "a.svg", b"<?xml"),
        (("--out", "b"), "b", b"%PDF"),
    ):
        code, out, err = report("--figure", "note", *args)
        assert (code, out) == (0, "") and err == f"wrote {name}\n" and Path(name).read_bytes().startswith(start)
    text = Path("a.svg").read_text()
    assert "shift by oracle, 1" in text and 'width="486pt"' in text  # 6.75 inches of 72 points


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (("--width", "double"), "--width is of figures; expected --figure NAME as well."),
        (("--tasks", "a:b"), "--tasks is of figures"),
        (("--strategies", "shift"), "--strategies is of figures"),
        (("--selection", "last"), "--selection is of figures"),
        (("--format", "pdf"), "--format pdf is of figures; expected --figure NAME as well."),
        (("--figure", "note", "--overview", "last"), "--overview is of tables; expected no --figure."),
        (("--figure", "note", "--selectors"), "--selectors is of tables"),
        (("--figure", "note", "--format", "csv"), "--format csv is not of figures; expected one of pdf, svg, png."),
        (("--figure", "note", "--format", "pdf", "--out", "x.png"), "'x.png' and --format pdf; expected one format."),
        (("--figure", "nota"), "Unknown figure 'nota'. Did you mean note?"),
        (("--figure", "note", "--strategies", "shfit"), "Unknown strategy 'shfit'. Did you mean shift?"),
        (("--figure", "note", "--width", "wide"), "width is 'wide'; expected single, double, or 1 to 20 inches."),
        (("--figure", "note", "--out", "no/x.pdf"), "The report cannot be written to 'no/x.pdf'"),
    ],
)
def test_options_that_do_not_fit_are_refused_by_name(report, args, told):
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    code, out, err = report(*args)
    assert (code, out) == (1, "") and told in err and not list(Path().glob("*.p*[fg]"))
