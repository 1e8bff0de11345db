import dataclasses
import logging

import pytest

from tlx.errors import ResultError
from tlx.report import cells
from tlx.report.matrix import UNRANKED, matrix


@pytest.fixture
def many(run):
    return [run(f"m{at}", (0.1 * at + 0.01 * number, 0.1 * at), f"a->{target}")
            for number, target in enumerate("bcdefgh") for at in range(5)]  # fmt: skip


def test_lines_stand_at_the_ranks_and_bars_join_groups(show, many):
    [ax] = show(many, "critical-difference").axes
    made = matrix(cells(many), "last")
    found = made.ranking
    assert found and len(made.shared) == 7 and list(found.ranks) == ["m4", "m3", "m2", "m1", "m0"]
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
    with pytest.raises(ResultError, match=f"^There is no diagram to draw: {UNRANKED}; here 5 on 1.$"):
        show(many[:5], "critical-difference")
    left_out = "neither averaged nor ranked, without a score on all 2 tasks: m0, m1, m2, m3, m4"
    with pytest.raises(ResultError, match=f"{UNRANKED}; here 0 on 2; {left_out}.$"):
        show([*many[:4], many[9]], "critical-difference")


def test_a_method_on_a_backbone_of_its_own_and_runs_of_other_data_leave_the_others_ranked(show, run, many, caplog):
    """As the overview and the page rank; the trap: MCD's network, by which no method was on all columns."""
    told = [dataclasses.replace(result, data_hash="1" * 64) for result in many]
    alone = dataclasses.replace(many[0], spec=dataclasses.replace(many[0].spec, strategy="mcd", backbone="two"))
    stale = dataclasses.replace(run("kl", (0.9, 0.9)), data_hash="2" * 64)
    logger = logging.getLogger("tlx_figures.critical_difference")
    logger.addHandler(caplog.handler)
    try:
        [ax] = show([*told, alone, stale], "critical-difference").axes
    finally:
        logger.removeHandler(caplog.handler)
    named = {word for text in ax.texts if "  " in text.get_text() for word in text.get_text().split()}
    assert named == {f"m{at}" for at in range(5)} | {f"{at}.0" for at in range(1, 6)}
    assert "not in averages and ranks: a->b (two)" in caplog.text
    assert "without a score on all 7 tasks: kl ≠, mcd" in caplog.text
