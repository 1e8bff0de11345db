import pytest

from tlx.errors import ResultError
from tlx.report import cells


def test_bars_are_the_gains_and_those_below_0_are_hatched(show, run):
    results = [run("source_only", (0.5, 0.6)), run("mmd", (0.7, 0.9)), run("kl", (0.3, 0.4))]
    [ax] = show(results, "gain").axes
    names = [text.get_text() for text in ax.get_yticklabels()]
    bars = dict(zip(names, sorted(ax.patches[:2], key=lambda bar: bar.get_y()), strict=True))
    assert {name: round(bar.get_width(), 9) for name, bar in bars.items()} == {"kl": -0.2, "mmd": 0.25}
    assert bool(bars["kl"].get_hatch()) and not bars["mmd"].get_hatch()
    [cell] = [cell for cell in cells(results) if (cell["strategy"], cell["selection"]) == ("mmd", "last")]
    ends = sorted(path.vertices[:, 0].tolist() for bar in ax.collections for path in bar.get_paths())
    assert any(pair == pytest.approx([cell["low"] - 0.55, cell["high"] - 0.55]) for pair in ends)
    base = ax.patches[2].get_bbox()
    [own] = [cell for cell in cells(results) if (cell["strategy"], cell["selection"]) == ("source_only", "last")]
    assert (base.x0, base.x1) == pytest.approx((own["low"] - 0.55, own["high"] - 0.55))


def test_the_best_on_average_is_above(show, run):
    results = [run(name, (base + gain, base + gain), task)
               for task, base in (("a->b", 0.2), ("a->c", 0.5))
               for name, gain in (("source_only", 0.0), ("mmd", 0.1), ("kl", 0.3), ("dann", -0.1))]  # fmt: skip
    ax, _ = show(results, "gain").axes
    assert [text.get_text() for text in ax.get_yticklabels()] == ["dann", "mmd", "kl"]


def test_long_names_fit(show, long):
    show(long, "gain")


def test_without_a_baseline_there_is_no_gain(show, run):
    with pytest.raises(ResultError, match="no gain to draw: no result of 'source_only' beside others"):
        show([run("mmd", (0.5, 0.6))], "gain")
