import dataclasses
import json
from types import SimpleNamespace

import numpy as np
import pytest

import tlx
from tlx.runs.embedding import embedding, plane
from tlx.runs.probe import ROWS, choose_probe
from tlx.runs.result import Result
from tlx.runs.runner import Runner
from tlx.runs.store import Store
from tlx.score import Selector
from tlx.testing.tiny import tiny_task

TASK = tiny_task()


class Spread(Selector):
    """How far the target's features spread."""

    uses_features = True

    def score(self, evidence):
        assert evidence.sample and evidence.target_y is None
        return evidence.sample.target_features.std()


class Features:
    @tlx.hookimpl
    def tlx_selectors(self, register):
        register("spread", Spread)


@pytest.fixture
def observed(registry, world):
    """Runs a job with a selector that reads features."""
    registry.add(Features(), "features")
    return lambda job, **more: Runner(registry, **more)(job)


def test_the_chosen_rows_are_the_same_each_time():
    chosen, again = choose_probe(TASK, 20), choose_probe(TASK, 20)
    assert {name: len(x) for name, x in chosen.x.items()} == dict.fromkeys(chosen.x, 20)
    for name, x in chosen.x.items():
        np.testing.assert_array_equal(x, again.x[name])
    np.testing.assert_array_equal(chosen.x["val"], TASK.source_val.x[chosen.val])
    assert len(choose_probe(TASK, 10**6).x["train"]) == min(ROWS, len(TASK.source.x))


def test_mixed_images_are_mostly_their_first():
    chosen = choose_probe(TASK, 20)
    first, second = (TASK.test.x[chosen.target[chosen.mixed[:, side]]].astype(float) for side in (0, 1))
    np.testing.assert_allclose(chosen.x["mixed"], 0.55 * first + 0.45 * second, atol=0.51)
    assert (chosen.mixed[:, 0] != chosen.mixed[:, 1]).all() and sorted(chosen.mixed[:, 0]) == list(range(20))


@pytest.mark.parametrize("kind", ["vector", "sequence", "tokens", "tree"])
def test_rows_of_other_inputs_are_mixed_too(kind):
    """Tokens have no mean: there the first row stands for both."""
    shapes = {"vector": (20, 5), "sequence": (20, 7, 2), "tokens": (20, 6)}
    random = np.random.default_rng(0)

    def rows(name):
        x = random.normal(size=shapes[name]) * 9
        return x.astype(np.int32 if name == "tokens" else np.float32)

    x = {"a": rows("vector"), "b": (rows("tokens"),)} if kind == "tree" else rows(kind)
    split = TASK.test._replace(x=x, y=np.zeros(20, np.int32))
    data = TASK._replace(source=split, source_val=split, test=split)
    chosen = choose_probe(data, 8)
    first, second = (chosen.mixed[:, side] for side in (0, 1))
    leaves = [(chosen.x["target"], chosen.x["mixed"])]
    if kind == "tree":
        leaves = [(chosen.x["target"][key], chosen.x["mixed"][key]) for key in "ab"]
        leaves[1] = tuple(leaf[0] for leaf in leaves[1])
    for target, mixed in leaves:
        expected = target[first] if target.dtype == np.int32 else 0.55 * target[first] + 0.45 * target[second]
        np.testing.assert_allclose(mixed, expected, rtol=1e-5)
        assert mixed.dtype == target.dtype and len(mixed) == 8


def test_every_evaluation_has_what_each_selector_thought_of_it(observed, job):
    result = observed(job)
    assert result.finished, result.traceback
    told = [point.selectors for point in result.curves]
    assert [set(each) for each in told] == [{"last", "oracle", "spread"}] * 3
    assert [each["last"] for each in told] == [[2.0, 2.0], [4.0, 4.0], [6.0, 6.0]]
    assert all(point.selectors["oracle"] == pytest.approx(point.target, abs=1e-5) for point in result.curves)
    for seed in range(2):
        best = max(result.curves, key=lambda point: point.selectors["spread"][seed])
        assert result.selections["spread"].scores[seed].step == best.step
    assert Result.parse(result.text()) == result


def test_only_evaluations_of_the_last_phase_are_judged(observed, world, job):
    world.phases = ("warm", "adapt")
    assert [bool(point.selectors) for point in observed(job).curves] == [False] * 3 + [True] * 3


def test_a_result_from_before_selectors_were_kept_is_whole(result):
    fields = json.loads(result.text())
    del fields["digest"]
    for point in fields["curves"]:
        del point["selectors"]
    bare = [dataclasses.replace(point, selectors={}) for point in result.curves]
    assert Result.parse(json.dumps(fields)) == dataclasses.replace(result, curves=bare)


def test_what_is_kept_to_be_looked_at_comes_back(observed, job, job_of, spec, tmp_path):
    store = Store(tmp_path)
    result = observed(job, store=store, embeddings=True)
    assert result.finished, result.traceback
    kept = store.kept(spec)
    assert kept is not None and store.path(spec).with_suffix(".npz").exists()
    rows = int(kept["source"].sum()) + int((~kept["source"]).sum())
    assert kept["points"].shape == (2, rows, 2) and kept["predicted"].shape == (2, rows) == (2, len(kept["y"]))
    assert kept["steps"].tolist() == [2, 6] and kept["classes"].tolist() == ["x", "y", "z"]
    assert kept["images"].dtype == np.uint8 and len(kept["images"]) == len(kept["shown"])
    assert kept["source"][kept["shown"]].any() and not kept["source"][kept["shown"]].all()
    assert store.kept(job_of("a->c").spec) is None


def test_a_damaged_side_file_is_told_and_left_out(spec, tmp_path, caplog):
    store = Store(tmp_path)
    for content in (b"", b"no archive", b"PK\x03\x04 cut"):
        store.path(spec).with_suffix(".npz").write_bytes(content)
        assert store.kept(spec) is None and "is damaged" in caplog.text


def test_the_plane_is_that_of_the_principal_components():
    from sklearn.decomposition import PCA

    features = np.random.default_rng(0).normal(size=(30, 6)) @ np.diag([5, 3, 1, 1, 1, 1])
    points, expected = plane(features), PCA(2).fit_transform(features)
    np.testing.assert_allclose(np.abs(points), np.abs(expected) / np.abs(expected).max(), atol=1e-5)
    assert not plane(np.full((4, 3), np.nan)).any() and plane(np.ones((4, 1))).shape == (4, 2)


def test_images_and_labels_are_of_the_same_rows():
    chosen = choose_probe(TASK, 12)
    same = SimpleNamespace(features=np.ones((1, 12, 3)), logits=np.eye(3)[None, [0] * 12])
    end = SimpleNamespace(step=1, observed={"val": same, "target": same})
    kept = embedding(SimpleNamespace(evaluations=[end]), TASK, chosen)  # pyright: ignore[reportArgumentType]
    np.testing.assert_array_equal(
        kept["y"], np.concatenate([TASK.source_val.y[chosen.val], TASK.test.y[chosen.target]])
    )
    assert not kept["predicted"].any() and kept["source"][kept["shown"]].tolist() == [True] * 8 + [False] * 8
    rows = np.concatenate([TASK.source_val.x[chosen.val], TASK.test.x[chosen.target]])
    np.testing.assert_array_equal(kept["images"], rows[kept["shown"]])
