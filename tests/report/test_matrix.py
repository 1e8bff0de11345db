import numpy as np
import pytest

from tlx.report import cells
from tlx.report.matrix import UNRANKED, matrix
from tlx.score import interval


def runs(make, names, tasks, **changes):
    scores = np.linspace(0.2, 0.8, len(names))
    return [
        make(name, (score, score + 0.1), task=task, **changes)
        for task in tasks
        for name, score in zip(names, scores, strict=True)
    ]


def test_a_method_on_a_backbone_of_its_own_leaves_the_others_ranked(make):
    """The trap: MCD on its own network, by which no method was on all columns, and nothing said so."""
    found = matrix(
        cells([*runs(make, "abc", ("x->y", "y->x")), *runs(make, ["mcd"], ("x->y", "y->x"), backbone="two")]), "last"
    )
    assert found.ranking and list(found.ranking.ranks) == ["c", "b", "a"] and found.reason == ""
    assert found.shared == [("x->y", "p-28", "net"), ("y->x", "p-28", "net")] and "mcd" not in found.averages
    assert found.left_out == [
        "not in averages and ranks: x->y (two), y->x (two): more strategies are on another backbone",
        "neither averaged nor ranked, without a score on all 2 tasks: mcd",
    ]


def test_backbones_of_as_many_strategies_all_count(make):
    both = [*runs(make, "abc", ["x->y"]), *runs(make, "abc", ["x->y"], backbone="two")]
    assert len(matrix(cells(both), "last").shared) == 2


def test_why_there_is_no_ranking(make):
    found = matrix(cells([*runs(make, "abc", ["x->y"]), *runs(make, "ab", ["y->x"])]), "last")
    assert found.ranking is None and found.reason == f"{UNRANKED}; here 2 on 2"
    assert matrix(cells(runs(make, "abc", ["x->y"])), "last").reason == f"{UNRANKED}; here 3 on 1"


def test_a_task_with_no_score_but_of_other_data_does_not_count(make):
    told = {"data_hash": "1" * 64}
    good = runs(make, "abc", ("x->y", "y->x"), **told)
    stale = make("d", (0.9, 0.9), task="x->y", data_hash="2" * 64)
    found = matrix(cells([*good, stale, make("e", task="z->y", error="broke")]), "last")
    assert len(found.headings) == 3 and len(found.shared) == 2 and found.ranking
    assert list(found.ranking.ranks) == ["c", "b", "a"] and list(found.averages) == ["a", "b", "c"]


def test_an_average_is_over_tasks_and_its_interval_over_seeds(make):
    scores = {"x->y": (0.5, 0.6, 0.9), "y->x": (0.7, 0.2, 0.4)}
    found = matrix(cells([make("mmd", values, task=task) for task, values in scores.items()]), "last").averages["mmd"]
    expected = interval(np.mean(list(scores.values()), axis=0))
    assert (found.mean, found.low, found.high) == pytest.approx(expected)
    for seeds, values in (((5, 6), (0.2, 0.4)), (None, (0.2, 0.3, 0.4))):
        changes = {"seeds": seeds} if seeds else {}
        other = [make("mmd", (0.5, 0.7), task="x->y"), make("mmd", values, task="y->x", **changes)]
        assert matrix(cells(other), "last").averages["mmd"][:3] == (pytest.approx(0.45), None, None)
