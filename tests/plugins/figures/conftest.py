import pytest

from tlx import hookimpl
from tlx.engine.recipe import Recipe
from tlx.plugins import Registry
from tlx.report.figure import draw
from tlx.runs.result import CurvePoint, Environment, Result, Score, Selection, Times
from tlx.runs.spec import Spec

FIGURES = ("curves", "embedding", "critical_difference", "confusion", "selectors", "gain")


@pytest.fixture
def show():
    """Draws a figure of results, as `tlx.figure` does, and checks that nothing of it is cut off."""
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")

    class Plugin:
        @hookimpl
        def tlx_figures(self, register):
            for name in FIGURES:
                register(name.replace("_", "-"), f"tlx_figures.{name}:draw")

    registry = Registry()
    registry.add(Plugin(), "figures")

    def call(results, kind, **options):
        figure = draw(registry, results, kind, **options)
        figure.draw_without_rendering()
        width, height = figure.get_size_inches()
        box = figure.get_tightbbox()
        assert -0.01 <= box.x0 and box.x1 <= width + 0.01 and -0.01 <= box.y0 and box.y1 <= height + 0.01, box
        return figure

    return call


@pytest.fixture
def run():
    """A result of two seeds with two evaluations: `run("mmd", (0.5, 0.7))` scored so at the last."""

    def make(
        strategy, last, task="a->b", first=0.3, classes=("x", "y"), settings=(), sees=("source", "target"), **more
    ):
        spec = Spec(task, "p-28", strategy, settings, "net", Recipe(name="short", steps=6), (0, 1))
        side = len(classes)
        confusion = [[3 if true == told else 1 for told in range(side)] for true in range(side)]
        scores = [Score(6, value, [value] * side, value, confusion, 0.1) for value in last]
        curves = [
            CurvePoint("train", 3, {}, [0.9, 0.9], [first, first], {"last": [3, 3], "oracle": [first, first]}),
            CurvePoint("train", 6, {}, [0.9, 0.9], list(last), {"last": [6, 6], "oracle": list(last)}),
        ]
        selections = {"last": Selection(False, scores), "oracle": Selection(True, scores)}
        environment, times = Environment({}, None, "cpu"), Times("2024-01-01T00:00:00+00:00", 1.0)
        return Result(
            spec, "tlx run", "finished", environment, times, selections=selections, curves=curves, sees=sees,
            diverged=[False, False], classes=classes, **more,
        )  # fmt: skip

    return make


LONG = "a_strategy_of_a_very_long_name+another_of_a_long_name"


@pytest.fixture
def long(run):
    """Results of long names of everything, on two tasks."""
    tasks = [f"lab:{'left_camera_' * 4}/{day}->lab:{'right_camera_' * 4}/{day}" for day in ("monday", "tuesday")]
    classes = tuple(f"a class of a long name, number {at}" for at in range(3))
    return [
        run(name, (0.5 + 0.1 * at, 0.6 + 0.1 * at), task, classes=classes)
        for task in tasks
        for at, name in enumerate(("source_only", LONG, f"{LONG}_2"))
    ]
