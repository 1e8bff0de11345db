import dataclasses

import pytest

from tlx.runs.frame import frame
from tlx.runs.runner import Runner

pytest.importorskip("pandas", reason="pandas is not installed")


@pytest.fixture
def result(registry, world, job):
    return Runner(registry)(job)


def test_a_row_for_each_selection_and_seed(result):
    made = frame([result])
    assert list(zip(made.selection, made.seed, strict=True)) == [
        (name, seed) for name in result.selections for seed in result.spec.seeds
    ]
    for name, selection in result.selections.items():
        own = made[made.selection == name]
        assert own.score.tolist() == result.accuracy(name) and set(own.metric) == {"accuracy"}
        assert own.step.tolist() == [score.step for score in selection.scores]
        assert set(own.uses_target_labels) == {selection.uses_target_labels}
        assert own.mean_per_class.tolist() == [score.mean_per_class for score in selection.scores]
    assert set(made.hash) == {result.spec.hash} and set(made.task) == {"a->b"} and set(made.status) == {"finished"}
    assert not [name for name in made.columns if name.startswith("set.")]


def test_settings_that_differ_have_columns_with_their_values(registry, world, job, job_of):
    both = [Runner(registry)(job_of(settings={"weight": weight})) for weight in (0.5, 2.0)]
    made = frame(both)
    assert [name for name in made.columns if name.startswith("set.")] == ["set.weight"]
    assert made.groupby("hash")["set.weight"].first().to_dict() == {
        item.spec.hash: weight for item, weight in zip(both, (0.5, 2.0), strict=True)
    }


def test_a_failed_run_has_one_row(registry, world, job, result):
    world.fails["Shift"] = RuntimeError("boom")
    failed = Runner(registry)(job)
    made = frame([result, failed])
    [row] = made[made.status == "failed"].to_dict(orient="records")  # pyright: ignore[reportCallIssue]
    assert "boom" in row["error"] and made.score.isna().sum() == 1


def test_metrics_of_the_setting_are_columns(result):
    score = dataclasses.replace(result.selections["last"].scores[0], metrics={"unknown": 0.25})
    last = dataclasses.replace(result.selections["last"], scores=[score] * 2)
    made = frame([dataclasses.replace(result, selections={"last": last})])
    assert made.unknown.tolist() == [0.25, 0.25]
