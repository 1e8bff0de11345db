"""What all figures share: which results one shows, its size, its fonts, its bytes, and what is refused."""

import io
import logging
import sys

import pytest

from tlx import hookimpl
from tlx.errors import ResultError, SettingError, UnknownName
from tlx.plugins import Registry
from tlx.report import Results
from tlx.report.figure import draw
from tlx.runs.store import Store

pytest.importorskip("matplotlib", reason="matplotlib is not installed")

LONG = "lab:a_folder_with_a_long_name/camera_of_the_left_side"


class Plugin:
    """A figure that draws nearly nothing, and keeps the views that it is given."""

    def __init__(self):
        self.views = []

    @hookimpl
    def tlx_figures(self, register):
        register("note", self.note)

    def note(self, figure, view):
        self.views.append(view)
        figure.subplots().set_title("$5 and → ‡ $6")


@pytest.fixture
def plugin():
    return Plugin()


@pytest.fixture
def registry(plugin):
    registry = Registry()
    registry.add(plugin, "plugin")
    return registry


@pytest.fixture
def log(caplog):
    """The text of what is logged; `tlx` itself may not hand its lines on any more."""
    logger = logging.getLogger("tlx.report.figure")
    logger.addHandler(caplog.handler)
    yield lambda: caplog.text
    logger.removeHandler(caplog.handler)


def saved(figure, kind):
    file = io.BytesIO()
    figure.savefig(file, format=kind)
    return file.getvalue()


@pytest.mark.parametrize("kind", ["pdf", "svg", "png"])
def test_the_same_results_give_the_same_bytes(registry, results, kind):
    one, other = (saved(draw(registry, results, "note"), kind) for _ in range(2))
    assert one == other and b"CreationDate" not in one and b"<dc:date>" not in one


def test_fonts_are_embedded_and_text_is_text(registry, results):
    figure = draw(registry, results, "note")
    pdf, svg = saved(figure, "pdf"), saved(figure, "svg").decode()
    assert b"/FontFile2" in pdf and b"/Type3" not in pdf
    assert "<text" in svg and "$5 and → ‡ $6" in svg


@pytest.mark.parametrize(("width", "inches"), [("single", 3.25), ("double", 6.75), ("4.5", 4.5), (2, 2)])
def test_its_width_is_in_inches(registry, results, width, inches):
    assert draw(registry, results, "note", width=width).get_figwidth() == inches


@pytest.mark.parametrize("width", ["wide", "", "0", 99, None, "nan"])
def test_another_width_is_refused(registry, results, width):
    with pytest.raises(SettingError, match="expected single, double, or 1 to 20 inches"):
        draw(registry, results, "note", width=width)


def test_the_style_is_not_the_users(registry, results):
    import matplotlib

    before = saved(draw(registry, results, "note"), "svg")
    with matplotlib.rc_context({"axes.facecolor": "red", "font.size": 30}):
        assert saved(draw(registry, results, "note"), "svg") == before
        assert matplotlib.rcParams["font.size"] == 30


def test_a_notebook_shows_it(registry, results):
    assert draw(registry, results, "note")._repr_png_().startswith(b"\x89PNG")  # pyright: ignore[reportAttributeAccessIssue]


def test_it_shows_the_chosen_results_with_a_score(registry, plugin, results, log):
    draw(registry, results, "note", strategies=["mmd", "dann"])
    [view] = plugin.views
    assert [view.name(item) for item in view.results] == ["mmd"] == [cell["strategy"] for cell in view.cells]
    assert view.cells[0]["gain"] == pytest.approx(0.74 - 0.4)  # over a baseline that is not chosen
    assert view.base(view.cells[0])["strategy"] == "source_only"
    assert "not drawn, without a score: a->b dann" in log()


def test_tasks_are_chosen_by_any_form_of_their_names(registry, plugin, make):
    both = [make("mmd", (0.5, 0.6), task=task) for task in ("a->b", "a->c")]
    for name in ("a:c", "a->c", "a->c@p-28"):
        draw(registry, both, "note", tasks=[name])
        assert [item.spec.task for item in plugin.views.pop().results] == ["a->c"]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"tasks": ["a->x"]}, "Unknown task 'a->x'"),
        ({"strategies": ["mmmd"]}, "Unknown strategy 'mmmd'. Did you mean mmd"),
        ({"selection": "lst"}, "Unknown selection 'lst'. Did you mean last"),
        ({"baseline": "x"}, "Unknown baseline"),
    ],
)
def test_an_unknown_name_is_refused(registry, results, given, told):
    with pytest.raises(UnknownName, match=told):
        draw(registry, results, "note", **given)
    with pytest.raises(UnknownName, match="Unknown figure 'notes'. Did you mean note"):
        draw(registry, results, "notes")


def test_nothing_to_draw_is_said(registry, make):
    with pytest.raises(ResultError, match="no score under 'last' to draw, of 1 result"):
        draw(registry, [make("dann", error="x"), make("mmd", (0.5, 0.6))], "note", strategies=["dann"])


def test_without_matplotlib_it_says_how_to_get_it(registry, results, monkeypatch):
    monkeypatch.delitem(sys.modules, "tlx.report.paper", raising=False)
    for name in [name for name in sys.modules if name.split(".")[0] == "matplotlib"]:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(SettingError, match=r"pip install 'tlx\[figures\]'"):
        draw(registry, results, "note")


@pytest.mark.parametrize(
    ("tasks", "titles"),
    [
        (["a->b", "a->c"], ["a → b", "a → c"]),
        ([f"{LONG}->{LONG}2"], [f"{LONG.split('/')[1]} → {LONG.split('/')[1]}2"]),
        (["lab:x/a+lab:x/b->lab:x/c"], ["a+b → c"]),
        (["lab:x->b"], ["lab:x → b"]),
        (["lab:xa->lab:xb"], ["xa → xb"]),
    ],
)
def test_a_title_leaves_out_what_all_datasets_share(registry, plugin, make, tasks, titles):
    draw(registry, [make("mmd", (0.5, 0.6), task=task) for task in tasks], "note")
    [view] = plugin.views
    assert [view.title(item) for item in view.results] == titles == [view.title(cell) for cell in view.cells]


def test_a_title_names_protocol_and_backbone_where_there_are_several(registry, plugin, make):
    several = [make("mmd", (0.5, 0.6), protocol="p-28"), make("mmd", (0.5, 0.6), protocol="p-32", backbone="dtn")]
    draw(registry, several, "note")
    [view] = plugin.views
    assert sorted(map(view.title, view.results)) == ["a → b, p-28, net", "a → b, p-32, dtn"]


def test_what_was_not_kept_is_named(registry, plugin, results, kept, tmp_path, log):
    store = Store(tmp_path)
    for result in results:
        store.write(result)
    store.keep(results[1].spec, kept)
    draw(registry, Results.load(tmp_path), "note", strategies=["mmd", "coral"])
    [view] = plugin.views
    assert [item.spec.strategy for item, _ in view.kept()] == ["mmd"]
    assert "no embedding of a->b coral" in log() and "--keep-embeddings" in log()
    draw(registry, Results(results), "note", strategies=["mmd"])
    with pytest.raises(ResultError, match="no embedding of a->b mmd, which lie in no folder; run again with --keep-"):
        plugin.views[1].kept()
