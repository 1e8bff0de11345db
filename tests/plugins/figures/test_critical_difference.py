import pytest

from tlx.errors import ResultError
from tlx.report import cells
from tlx.report.ranks import ranks


@pytest.fixture
def many(run):
    return [run(f"m{at}", (0.1 * at + 0.01 * number, 0.1 * at), f"a->{target}")
            for number, target in enumerate("bcdefgh") for at in range(5)]  # fmt: skip


def test_lines_stand_at_the_ranks_and_bars_join_groups(show, many):
    [ax] = show(many, "critical-difference").axes
    found, tasks = ranks(cells(many))
    assert len(tasks) == 7 and list(found.ranks) == ["m4", "m3", "m2", "m1", "m0"]
    tails = [line.get_xdata()[0] for line in ax.lines if len(line.get_xdata()) == 3]
    assert tails == pytest.approx(list(found.ranks.values()))
    bars = [line.get_xdata() for line in ax.lines if line.get_linewidth() == 2.2]
    assert len(bars) == len(found.groups) > 1
    for bar, group in zip(bars, found.groups, strict=True):
        assert bar[0] < found.ranks[group[0]] <= found.ranks[group[-1]] < bar[1] < found.ranks[group[-1]] + 0.1
    texts = [text.get_text() for text in ax.texts]
    assert f"CD = {found.cd:.2f} (7 tasks, Friedman's p = {found.p:.2g})" in texts and "m4  1.0" in texts


def test_long_names_fit(show, long):
    show(long, "critical-difference")


def test_why_there_is_none_is_said(show, many):
    with pytest.raises(ResultError, match=r"here 5 on 1: 5 on a->b \(p-28, net\)"):
        show(many[:5], "critical-difference")
    with pytest.raises(ResultError, match=r"here 0 on 2: 4 on a->b \(p-28, net\), 1 on a->c \(p-28, net\). Leave out"):
        show([*many[:4], many[9]], "critical-difference")
