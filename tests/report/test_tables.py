import csv
import dataclasses
import io
import json

import pytest
from scipy import stats

from tlx.errors import ResultError
from tlx.report import cells, render
from tlx.report.tables import table, tables
from tlx.runs.result import LabelSpaceCounts, Result, Score


def only(results):
    [found] = tables(cells(results))
    return found


def test_rows_and_columns(results):
    found = only(results)
    assert found.title == "a->b (p-28, net)"
    assert found.columns == ("strategy", "n", "last", "oracle ‡", "gain", "s")
    rows = {row[0]: row for row in found.rows}
    assert list(rows) == ["source_only", "coral", "dann !", "mmd !", "target_only †"]
    assert rows["mmd !"][1:] == ("3", "0.740 ±0.131", "0.800 ±0.000 ★", "+0.340", "12.3")
    assert rows["coral"][4] == "-0.150 ▼"
    assert rows["dann !"][1:] == ("0", "failed", "failed", "-", "12.3")


def test_what_went_wrong_is_said(results):
    assert only(results).notes[-2:] == [
        "! dann: failed: ValueError: no | good at all",
        "! mmd: 1/3 diverged, 1/3 collapsed (last)",
    ]


def test_the_legend_has_the_signs_that_occur(results, make):
    assert [note[0] for note in only(results).notes] == ["t", "†", "‡", "▼", "★", "!", "!"]
    assert len(only([make("mmd", (0.5, 0.6))]).notes) == 1


def test_the_best_is_marked_where_no_interval_overlaps(make):
    clear = [make("mmd", (0.80, 0.81, 0.82)), make("coral", (0.60, 0.61, 0.62))]
    bound = make("target_only", (0.90, 0.91, 0.92), sees=("labelled",))
    assert [row[2] for row in only([*clear, bound]).rows] == ["0.610 ±0.025", "0.810 ±0.025 ★", "0.910 ±0.025"]
    near = [make("mmd", (0.6, 0.7, 0.8)), make("coral", (0.5, 0.6, 0.7))]
    assert not any("★" in text for row in only(near).rows for text in row)


def test_against_a_baseline(make):
    found = [make("mmd", (0.60, 0.72, 0.80)), make("coral", (0.5, 0.6, 0.7)), make("source_only", (0.7, 0.7, 0.7))]
    [shown] = tables(cells(found, baseline="coral"))
    rows = {row[0]: row for row in shown.rows}
    assert shown.columns == ("strategy", "n", "last", "gain", "p (t)", "p (Wilcoxon)", "s")
    p = stats.ttest_rel((0.60, 0.72, 0.80), (0.5, 0.6, 0.7)).pvalue
    assert rows["mmd"][3:6] == ("+0.107", f"{p:.3f}", "0.250")
    # below source_only, whatever the baseline
    assert rows["coral"][3:6] == ("+0.000 ▼", "-", "-")
    assert "gain over coral at last" in shown.notes[0] and "against coral on the shared seeds" in shown.notes[1]


def test_bootstrap_intervals_say_so(make):
    [shown] = tables(cells([make("mmd", (0.5, 0.6, 0.7))], interval="bootstrap"))
    assert shown.rows[0][2] == "0.600 ±0.100" and "95% bootstrap interval" in shown.notes[0]


def test_policies_that_use_target_labels_come_last(make):
    found = only([make("mmd", (0.5, 0.6), (0.7, 0.7), (0.6, 0.6))])
    assert found.columns[2:5] == ("last", "source-val", "oracle ‡")


def test_one_seed_has_no_interval(make):
    assert only([make("mmd", (0.5,))]).rows[0][2] == "0.500"


def test_collapse_under_all_policies_is_said_once(make):
    assert only([make("mmd", (0.1, 0.1, 0.5), collapsed=(True, True, False))]).notes[-1] == "! mmd: 2/3 collapsed"


def test_rows_of_one_strategy_are_told_apart(make):
    found = only([make("mmd", (0.5, 0.6), settings=(("weight", value),)) for value in (1.0, 2.0)])
    assert [row[0] for row in found.rows] == ["mmd (weight=1.0)", "mmd (weight=2.0)"]


@pytest.mark.parametrize("key", ["protocol", "backbone", "task"])
def test_what_cannot_be_compared_is_never_in_one_table(make, key):
    found = cells([make("mmd", (0.5, 0.6)), make("mmd", (0.7, 0.8), **{key: "other"})])
    assert len(tables(found)) == 2
    with pytest.raises(ResultError, match=f"different {key}s"):
        table(found)


def test_long_errors_are_cut(make):
    remark = only([make("mmd", error="x" * 500)]).notes[-1]
    assert len(remark) == len("! mmd: failed: ") + 200 and remark.endswith("...")


def test_a_policy_that_one_run_lacks(make):
    found = only([make("mmd", (0.5, 0.6)), make("coral", (0.5, 0.6), (0.6, 0.6))])
    assert {row[0]: row[3] for row in found.rows} == {"mmd": "-", "coral": "0.600 ±0.000"}


def test_a_task_whose_data_are_absent_is_a_note(make):
    absent = make("mmd", status="absent", error="SVHN is not here;\nget it")
    found = only([absent, make("coral", status="absent", error="SVHN is not here;\nget it")])
    assert (found.columns, found.rows, found.notes) == ((), [], ["absent: SVHN is not here;"])
    assert found.title == "a->b (p-28, net)"


def test_runs_from_before_the_data_were_lost_are_shown(make):
    found = only([make("mmd", status="absent", error="not here"), make("coral", (0.5, 0.6))])
    assert {row[0]: row[2] for row in found.rows} == {"mmd !": "absent", "coral": "0.550 ±0.550"}
    assert found.notes[-1] == "! mmd: absent: not here"


def scored_as(result, **changes):
    """The result with changed scores under "last"."""
    last = result.selections["last"]
    scores = [dataclasses.replace(score, **changes) for score in last.scores]
    return dataclasses.replace(result, selections={"last": dataclasses.replace(last, scores=scores)})


def test_real_targets_are_headed_by_r2_and_may_lie_below_0(make):
    result = scored_as(make("mmd", (-0.5, -0.7, -0.3), metric="r2"), metrics={"rmse": 0.5, "mae": None})
    found = only([result])
    assert found.notes[0].startswith("target test R^2: mean over n seeds")
    assert found.rows[0][2] == "-0.500 ±0.497" and "mmd at last: rmse 0.500" in found.notes


def test_several_targets_and_an_open_label_space_are_in_the_notes(make):
    metrics: dict[str, float | None] = {"known": 0.5, "unknown": 0.25, "hos": 1 / 3, "auroc": 0.75}
    result = scored_as(
        make("mmd", (0.5, 0.5), space=LabelSpaceCounts(2, 1, 3, True), metric="hos"),
        targets={"b": 0.4, "c": 0.6},
        metrics=metrics,
    )
    found = only([result])
    counts = "classes: 2 shared, 1 of the source alone, 3 of the target alone"
    assert f"{counts}; one output is for the unknown" in found.notes
    assert "mmd at last: b 0.400, c 0.600, OS* 0.500, UNK 0.250, AUROC 0.750" in found.notes
    assert found.notes[0].startswith("target test H-score: mean over n seeds")


def test_new_classes_are_in_the_notes(make):
    found = only([scored_as(make("uno", (0.5, 0.5), space=LabelSpaceCounts(0, 2, 3, False), metric="cluster"))])
    assert "classes: 0 shared, 2 of the source alone, 3 of the target alone; each of these has an output" in found.notes
    assert found.notes[0].startswith("target test cluster accuracy: mean over n seeds")


def uneven(make, strategy="mmd"):
    """90 rows of cats, of which all are met, and 10 of dogs, of which 2 are."""
    result = make(strategy, (0.92, 0.92), classes=("cat", "dog"), rows={"source": [5, 5], "test": [90, 10]})
    scores = [Score(6, 0.92, [1.0, 0.2], 0.6, [[90, 0], [8, 2]], 0.1)] * 2
    return dataclasses.replace(
        result, selections={"last": dataclasses.replace(result.selections["last"], scores=scores)}
    )


def test_of_unbalanced_classes_the_mean_per_class_is_shown(make):
    result = uneven(make)
    found = only([result, make("coral", (0.5, 0.6))])
    assert found.columns == ("strategy", "n", "last", "per class", "gain", "s")
    assert {row[0]: row[3] for row in found.rows} == {"coral": "0.550", "mmd": "0.600"}
    note = "per class: mean over the classes of their recall at last; test rows: cat 90, dog 10"
    assert note in found.notes and note in " ".join(render([result]).split()) and note in render([result], "markdown")
    [row] = csv.DictReader(io.StringIO(render([result], "csv")))
    assert row["mean_per_class"] == "0.6" and json.loads(row["rows"]) == {"cat": 90, "dog": 10}
    assert Result.parse(result.text()) == result
    old = dataclasses.replace(result, classes=(), rows={})
    assert cells([old])[0]["rows"] == {"0": 90, "1": 10} and cells([old])[0]["unbalanced"]
    even = dataclasses.replace(result, rows={"test": [50, 50]})
    assert "per class" not in only([even]).columns


def test_rows_of_other_classes_than_there_are_are_damage(make):
    with pytest.raises(ValueError, match="rows: counts of other classes than there are"):
        Result.parse(dataclasses.replace(uneven(make), classes=("cat",)).text())


def test_a_closed_task_has_no_such_notes(results):
    assert not any("classes:" in note or " at last: " in note for note in only(results).notes)


def test_runs_of_other_data_are_marked_and_said(make):
    runs = [make("source_only", (0.4,), data_hash="1" * 64), make("coral", (0.9,), data_hash="2" * 64)]
    made = tables(cells(runs))[0]
    assert [row[0] for row in made.rows] == ["source_only", "coral ≠"] and made.rows[1][-2] == "-"
    assert any(note.startswith("≠ of other data") for note in made.notes)
