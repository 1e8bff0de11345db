import numpy as np
import pytest

from tlx.errors import SettingError


def test_a_line_has_the_means_and_a_band_the_range_over_seeds(show, run):
    figure = show([run("mmd", (0.5, 0.7)), run("kl", (0.6, 0.8), first=0.2)], "curves")
    [ax] = figure.axes
    lines = {line.get_label(): line for line in figure.legends[0].legend_handles}
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["kl", "mmd"] and len(lines) == 2
    kl, mmd = ax.lines
    np.testing.assert_allclose(mmd.get_xydata(), [[3, 0.3], [6, 0.6]])
    np.testing.assert_allclose(kl.get_xydata(), [[3, 0.2], [6, 0.7]])
    corners = ax.collections[1].get_paths()[0].vertices
    assert {0.5, 0.7} <= {round(float(y), 6) for x, y in corners if x == 6}
    assert len({(line.get_linestyle(), line.get_marker()) for line in ax.lines}) == 2, "told apart without colour"


def test_a_panel_for_each_task_and_one_look_for_each_strategy(show, run):
    results = [run(name, (0.5, 0.7), task) for task in ("a->b", "a->c") for name in ("mmd", "kl")]
    figure = show([*results[:3], run("dann", (0.4, 0.4), "a->c")], "curves")
    assert [ax.get_title() for ax in figure.axes] == ["a → b", "a → c"]
    first, second = ([line.get_marker() for line in ax.lines] for ax in figure.axes)
    assert len(set(first + second)) == 3 and set(first) & set(second)


def test_long_names_fit(show, long):
    show(long, "curves")


def test_more_lines_than_can_be_told_apart_are_refused(show, run):
    with pytest.raises(SettingError, match="at most 8 runs of a task, and here are 9; .* --strategies A,B"):
        show([run(f"s{at}", (0.5, 0.6)) for at in range(9)], "curves")
    with pytest.raises(SettingError, match="at most 12 tasks, and here are 13"):
        show([run("s", (0.5, 0.6), f"a->b{at}") for at in range(13)], "curves")
