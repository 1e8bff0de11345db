import dataclasses
import json
from types import SimpleNamespace

import numpy as np
import pytest

import tlx
from tlx.runs.embedding import embedding, plane
from tlx.runs.resolve import make_spec
from tlx.runs.result import Result
from tlx.runs.runner import Runner
from tlx.runs.probe import ROWS, choose
from tlx.runs.store import Store
from tlx.engine.evaluate import Observed
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
    """A registry with a selector that reads features, and an engine that gives them."""
    registry.add(Features(), "features")
    plain = world.train_grid

    def train(*args, sample):
        (outcome,) = plain(*args)
        seeds = len(outcome.seeds)

        def of(step, group, images):
            rng = np.random.default_rng([step, len(group)])
            return Observed(rng.normal(size=(seeds, len(images), 5)), rng.normal(size=(seeds, len(images), 3)))

        found = [
            seen(item, {group: of(item.step, group, images) for group, images in sample.items()})
            for item in outcome.evaluations
        ]
        return [outcome._replace(evaluations=found)]

    return lambda spec, **more: Runner(registry, train=train, **more)(spec)


def seen(item, observed):
    return Seen(item.phase, item.step, item.source_logits, item.target_logits, item.metrics, observed)


class Seen:
    def __init__(self, phase, step, source_logits, target_logits, metrics, observed):
        self.phase, self.step, self.metrics, self.observed = phase, step, metrics, observed
        self.source_logits, self.target_logits = source_logits, target_logits


def test_the_chosen_rows_are_the_same_each_time():
    chosen, again = choose(TASK, 20), choose(TASK, 20)
    assert {name: len(images) for name, images in chosen.images.items()} == dict.fromkeys(chosen.images, 20)
    for name, images in chosen.images.items():
        np.testing.assert_array_equal(images, again.images[name])
    np.testing.assert_array_equal(chosen.images["val"], TASK.source_val.x[chosen.val])
    assert len(choose(TASK, 10**6).images["train"]) == min(ROWS, len(TASK.source.x))


def test_mixed_images_are_mostly_their_first():
    chosen = choose(TASK, 20)
    first, second = (TASK.test_x[chosen.target[chosen.mixed[:, side]]].astype(float) for side in (0, 1))
    np.testing.assert_allclose(chosen.images["mixed"], 0.55 * first + 0.45 * second, atol=0.51)
    assert (chosen.mixed[:, 0] != chosen.mixed[:, 1]).all() and sorted(chosen.mixed[:, 0]) == list(range(20))


def test_every_evaluation_has_what_each_selector_thought_of_it(observed, spec):
    result = observed(spec)
    assert result.finished, result.traceback
    told = [point.selectors for point in result.curves]
    assert [set(each) for each in told] == [{"last", "oracle", "spread"}] * 3
    assert [each["last"] for each in told] == [[2.0, 2.0], [4.0, 4.0], [6.0, 6.0]]
    assert all(point.selectors["oracle"] == pytest.approx(point.target, abs=1e-5) for point in result.curves)
    for seed in range(2):
        best = max(result.curves, key=lambda point: point.selectors["spread"][seed])
        assert result.selections["spread"].scores[seed].step == best.step
    assert Result.parse(result.text()) == result


def test_only_evaluations_of_the_last_phase_are_judged(observed, world, spec):
    world.phases = ("warm", "adapt")
    assert [bool(point.selectors) for point in observed(spec).curves] == [False] * 3 + [True] * 3


def test_a_result_from_before_selectors_were_kept_is_whole(result):
    fields = json.loads(result.text())
    for point in fields["curves"]:
        del point["selectors"]
    bare = [dataclasses.replace(point, selectors={}) for point in result.curves]
    assert Result.parse(json.dumps(fields)) == dataclasses.replace(result, curves=bare)


def test_what_is_kept_to_be_looked_at_comes_back(observed, registry, spec, tmp_path):
    store = Store(tmp_path)
    result = observed(spec, keep=store.keep)
    assert result.finished, result.traceback
    kept = store.kept(spec)
    assert kept is not None and store.path(spec).with_suffix(".npz").exists()
    rows = int(kept["source"].sum()) + int((~kept["source"]).sum())
    assert kept["points"].shape == (2, rows, 2) and kept["predicted"].shape == (2, rows) == (2, len(kept["y"]))
    assert kept["steps"].tolist() == [2, 6] and kept["classes"].tolist() == ["x", "y", "z"]
    assert kept["images"].dtype == np.uint8 and len(kept["images"]) == len(kept["shown"])
    assert kept["source"][kept["shown"]].any() and not kept["source"][kept["shown"]].all()
    other = make_spec(registry, "a->c", "shift", backbone="net", recipe="short", seeds=2)
    assert store.kept(other) is None


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
    chosen = choose(TASK, 12)
    same = Observed(np.ones((1, 12, 3)), np.eye(3)[None, [0] * 12])
    outcome = SimpleNamespace(evaluations=[Seen("a", 1, None, None, {}, {"val": same, "target": same})])
    kept = embedding(outcome, TASK, chosen)
    np.testing.assert_array_equal(
        kept["y"], np.concatenate([TASK.source_val.y[chosen.val], TASK.test_y[chosen.target]])
    )
    assert not kept["predicted"].any() and kept["source"][kept["shown"]].tolist() == [True] * 8 + [False] * 8
    rows = np.concatenate([TASK.source_val.x[chosen.val], TASK.test_x[chosen.target]])
    np.testing.assert_array_equal(kept["images"], rows[kept["shown"]])
