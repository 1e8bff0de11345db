import pytest
from scipy import stats

from tlx.errors import SettingError, UnknownName
from tlx.report import cells, render
from tlx.report.matrix import UNRANKED
from tlx.report.overview import overview


@pytest.fixture
def digits(make):
    bound = {"setting": "bound"}
    return [
        make("source_only", (0.5, 0.5), **bound),
        make("mmd", (0.7, 0.7), (0.9, 0.9)),
        make("mmd", (0.6, 0.6), protocol="P-2000"),
        make("mmd", (0.8, 0.8), task="b->c", backbone="dtn"),
        make("target_only", (0.9, 0.9), task="b->c", backbone="dtn", sees=("labelled",), **bound),
        make("dann", task="b->c", backbone="dtn", error="x"),
        make("mmd", task="svhn->c", status="absent", error="not here"),
    ]


def test_a_column_for_each_task_protocol_and_backbone(digits):
    found = overview(cells(digits), "last")
    assert found.columns == (
        "strategy", "a->b (P-2000, net)", "a->b (p-28, net)", "b->c (p-28, dtn)", "svhn->c (p-28, net)", "average",
        "IQM"
    )  # fmt: skip
    assert "† sees labels of target train images" in found.notes
    assert found.rows == [
        ("source_only", "-", "0.500 ±0.000", "-", "-", "-", "-"),
        ("dann", "-", "-", "failed", "-", "-", "-"),
        ("mmd", "0.600 ±0.000", "0.700 ±0.000 ★", "0.800 ±0.000", "absent", "0.700 ±0.000", "0.700"),
        ("target_only †", "-", "-", "0.900 ±0.000", "-", "-", "-"),
    ]
    left_out = "neither averaged nor ranked, without a score on all 3 tasks: source_only, dann, target_only †"
    assert found.notes[-2:] == [left_out, f"{UNRANKED}; here 1 on 3"]


def test_another_selection(digits):
    found = overview(cells(digits), "oracle")
    assert {row[0]: row[1] for row in found.rows}["mmd"] == "0.900 ±0.000"
    assert found.title == "selection: oracle ‡"
    assert any(note.startswith("‡ selected by the labels of target test") for note in found.notes)
    with pytest.raises(UnknownName, match="Unknown selection 'lst'. Did you mean last"):
        overview(cells(digits), "lst")


def test_it_is_printed(digits):
    assert "| mmd | 0.600 ±0.000 | 0.700 ±0.000 ★ |" in render(digits, "markdown", overview="last")
    told = render(digits, overview="last", width=200)
    assert "a->b (P-2000, net)" in told and "selection: last" in told
    with pytest.raises(SettingError, match="format 'csv' has a line for each cell"):
        render(digits, "csv", overview="last")


def test_ranks_over_tasks_and_their_critical_difference(make):
    scores = {"coral": (0.5, 0.4, 0.3), "dann": (0.7, 0.6, 0.4), "mmd": (0.6, 0.7, 0.5), "target_only": (0.9, 0.9, 0.9)}
    results = [
        make(name, (score, score), task=f"a->{task}", sees=("labelled",) if name == "target_only" else ("source",))
        for name, values in scores.items()
        for task, score in zip("bcd", values, strict=True)
    ]
    found = overview(cells([*results, make("kl", (0.9, 0.9), task="a->b")]), "last")
    p = stats.friedmanchisquare(*(scores[name] for name in ("coral", "dann", "mmd"))).pvalue
    assert found.notes[-3:] == [
        "mean rank over 3 tasks: mmd 1.33, dann 1.67, coral 3.00",
        f"Friedman p = {p:.3g}; Nemenyi's critical difference at 0.05: 1.91",
        "ranks nearer than that, not to be told apart: mmd, dann, coral",
    ]
    assert dict(zip(found.columns, found.rows[1], strict=True))["IQM"] == "0.575"  # of .4 .4 .6 .6 .7 .7


def test_the_mean_without_the_extremes_is_over_seeds_and_tasks(make):
    results = [make("mmd", (0.1, 0.5), task="a->b"), make("mmd", (0.6, 0.9), task="a->c")]
    assert overview(cells(results), "last").rows[0][-1] == f"{stats.trim_mean((0.1, 0.5, 0.6, 0.9), 0.25):.3f}"


def test_two_strategies_or_one_task_have_no_ranks(make):
    two = [make(name, (0.5, 0.6), task=f"a->{task}") for name in ("mmd", "dann") for task in "bc"]
    one = [make(name, (0.5, 0.6)) for name in ("mmd", "dann", "coral")]
    for results in (two, one):
        notes = overview(cells(results), "last").notes
        assert notes[-1].startswith(UNRANKED) and not any("mean rank over" in note for note in notes)
