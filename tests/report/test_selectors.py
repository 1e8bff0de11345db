import csv
import dataclasses
import io
import json

import numpy as np
import pytest

from tlx.report import render
from tlx.report.selectors import comparisons, kendall, selector_tables, spearman
from tlx.runs.result import CurvePoint, Score, Selection


def ranks(values):
    """Ranks from 0, ties sharing their mean."""
    values = list(values)
    return np.array([sum(other < value for other in values) + (values.count(value) - 1) / 2 for value in values])


def weighted_tau(x, y):
    """Vigna's tau with weights 1 / (rank + 1), the mean over the rankings by x and by y; of values without ties."""

    def one(by):
        rank = ranks([-value for value in by])
        pairs = [(i, j) for i in range(len(x)) for j in range(i)]
        weights = [1 / (rank[i] + 1) + 1 / (rank[j] + 1) for i, j in pairs]
        signs = [np.sign(x[i] - x[j]) * np.sign(y[i] - y[j]) for i, j in pairs]
        return np.dot(weights, signs) / sum(weights)

    return (one(x) + one(y)) / 2


def test_rank_correlations():
    x, y = np.random.default_rng(0).normal(size=(2, 12))
    x[3] = x[4]
    assert spearman(x, y) == pytest.approx(np.corrcoef(ranks(x), ranks(y))[0, 1])
    x[3] += 0.5
    assert kendall(x, y) == pytest.approx(weighted_tau(x, y))


@pytest.mark.parametrize("pair", [([1, 2], [1, 2]), ([1, 1, 1], [1, 2, 3]), ([1, 2, 3], [1, 1, 1])])
def test_what_says_nothing_has_no_correlation(pair):
    assert spearman(*pair) is None and kendall(*pair) is None


@pytest.fixture
def runs(make):
    """Two methods of two seeds, each with three evaluations, and one that saw labels."""

    def run(strategy, targets, guesses, **changes):
        last = tuple(seed[-1] for seed in targets)
        result = make(strategy, last, tuple(map(max, targets)), last, **changes)
        curves = [
            CurvePoint("train", step, {}, [0.5, 0.5], [seed[step] for seed in targets], {
                "last": [float(step)] * 2, "source-val": [seed[step] for seed in guesses]
            })
            for step in range(3)
        ]  # fmt: skip
        return dataclasses.replace(result, curves=curves)

    return [
        run("source_only", [[0.1, 0.2, 0.3], [0.3, 0.2, 0.1]], [[1.0, 2.0, 3.0], [1.0, 2.0, 3.0]]),
        run("mmd", [[0.4, 0.6, 0.5], [0.4, 0.5, 0.6]], [[4.0, None, 5.0], [4.0, 5.0, 6.0]]),
        run("target_only", [[0.9, 0.9, 0.9]] * 2, [[0.0, 0.0, 0.0]] * 2, sees=("labelled",)),
    ]


def test_selectors_are_compared_over_runs_that_saw_no_label(runs):
    (found,) = comparisons(runs)
    facts = {fact["selector"]: fact for fact in found["selectors"]}
    assert list(facts) == ["last", "source-val", "oracle"] and facts["last"]["runs"] == 2
    assert facts["last"]["picked"] == pytest.approx(np.mean([0.3, 0.1, 0.5, 0.6]))
    assert facts["last"]["regret"] == pytest.approx(np.mean([0.3, 0.3, 0.6, 0.6]) - facts["last"]["picked"])
    assert facts["last"]["within"] == pytest.approx(np.mean([1.0, -1.0, 0.5, 1.0]))
    # the evaluation that has no score is left out, so that of two nothing can be said
    assert facts["source-val"]["within"] == pytest.approx(np.mean([1.0, -1.0, 1.0]))
    scores, targets = [1, 2, 3, 1, 2, 3, 4, 5, 4, 5, 6], [0.1, 0.2, 0.3, 0.3, 0.2, 0.1, 0.4, 0.5, 0.4, 0.5, 0.6]
    assert facts["source-val"]["spearman"] == pytest.approx(np.corrcoef(ranks(scores), ranks(targets))[0, 1])
    assert facts["oracle"]["spearman"] is None and facts["oracle"]["uses_target_labels"]
    assert found["picks"]["mmd"] == pytest.approx({"last": 0.55, "source-val": 0.55, "oracle": 0.6})


def test_they_are_printed(runs):
    summary, picks = selector_tables(runs)
    assert summary.rows[0][:4] == ("last", "2", "0.375", "0.075")
    assert picks.columns == ("selector", "source_only", "mmd")
    assert picks.rows[1:] == [("source-val", "0.200", "0.550"), ("oracle ‡", "0.300", "0.600")]
    assert "| last | 2 | 0.375 |" in render(runs, "markdown", selectors=True)
    assert "selectors on a->b" in render(runs, selectors=True)
    (first, *_) = json.loads(render(runs, "json", selectors=True))
    assert first["selector"] == "last" and first["picks"] == pytest.approx({"source_only": 0.2, "mmd": 0.55})
    assert next(csv.DictReader(io.StringIO(render(runs, "csv", selectors=True))))["picked"] == str(first["picked"])


def test_what_is_picked_has_a_column_for_each_selector_where_there_are_as_many_runs(runs):
    more = dataclasses.replace(runs[1], spec=dataclasses.replace(runs[1].spec, strategy="kl"))
    _, picks = selector_tables([*runs, more])
    assert picks.columns == ("strategy", "last", "source-val", "oracle ‡")
    assert [row[0] for row in picks.rows] == ["source_only", "kl", "mmd"] and picks.rows[0][2] == "0.200"


def test_of_several_runs_of_a_strategy_each_selector_takes_the_one_it_scores_highest(runs):
    """0.5 has the higher mean of the seeds' best scores for source-val, 0.6 the better accuracy."""
    strong = [
        dataclasses.replace(point, selectors={"last": [1.0, 1.0], "source-val": [3.0, 9.0], "oracle": [0.0, 0.0]})
        for point in runs[1].curves
    ]
    other = dataclasses.replace(runs[1].spec, settings=(("weight", 0.5),))
    first = dataclasses.replace(runs[1], spec=dataclasses.replace(other, settings=(("weight", 1.0),)))
    sweep = [runs[0], first, dataclasses.replace(runs[1], spec=other, curves=strong)]
    (found,) = comparisons(sweep)
    assert found["choices"] == {"mmd": {"last": "mmd (weight=1.0)", "source-val": "mmd (weight=0.5)"}}
    (*_, table) = selector_tables(sweep)
    assert table.title.startswith("mmd chosen on a->b")
    assert table.rows == [("last", "mmd (weight=1.0)", "0.550"), ("source-val", "mmd (weight=0.5)", "0.550")]
    assert comparisons(runs)[0]["choices"] == {} and len(selector_tables(runs)) == 2


def test_without_labels_of_the_target_nothing_is_compared_but_choices(runs):
    """Two runs of a strategy: `source-val` chooses by its own scores, which need no label of the target."""

    def bare(weight, scores):
        run = runs[1]
        selections = {name: Selection(False, [Score(6, None) for _ in range(2)]) for name in ("last", "source-val")}
        curves = [dataclasses.replace(point, target=[], selectors={"source-val": [scores] * 2}) for point in run.curves]
        spec = dataclasses.replace(run.spec, settings=(("weight", weight),))
        return dataclasses.replace(run, spec=spec, metric=None, selections=selections, curves=curves)

    both = [bare(0.5, 9.0), bare(1.0, 3.0)]
    (found,) = comparisons(both)
    assert found["picks"] == {} and found["choices"] == {"mmd": {"source-val": "mmd (weight=0.5)"}}
    assert {(fact["picked"], fact["regret"], fact["spearman"]) for fact in found["selectors"]} == {(None, None, None)}
    summary, chosen = selector_tables(both)
    assert summary.rows[0][:4] == ("last", "2", "–", "–") and chosen.rows == [("source-val", "mmd (weight=0.5)", "–")]
    assert "– the target has no labels: nothing can be scored" in summary.notes
    for format in ("terminal", "markdown", "csv", "json", "html"):
        assert render(both, format, selectors=format != "html")
    assert "mmd (weight=0.5)" in render(both, overview="last")


def test_results_without_kept_scores_have_picks_but_no_correlation(make):
    (found,) = comparisons([make("mmd", (0.5, 0.6), curves=[CurvePoint("train", 6, {}, [0.5, 0.5], [0.5, 0.6])])])
    assert [fact["spearman"] for fact in found["selectors"]] == [None] and found["selectors"][0]["regret"] == 0
