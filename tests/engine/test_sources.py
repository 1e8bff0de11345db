"""The streamed run against the resident one, on the same batches."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tlx import Objective, Phase, Strategy, strategy
from tlx.contract import Online, Sweep
from tlx.engine import devices, sources
from tlx.engine.train import train
from tlx.testing.tiny import TinyBN, tiny_recipe, tiny_task

pytestmark = pytest.mark.slow

TASK = tiny_task()
RECIPE = tiny_recipe()


@strategy
class Everything(Strategy):
    """Trains on augmented images of all fields with a bank that two sweeps make; then, online, on the test images."""

    def phases(self, model):
        def begin(state, context):
            return state.put(bank=jnp.zeros((model.rows["target"], model.outputs)))

        def logits(state, x):
            features, _ = model.features(state, x, train=False)
            return model.classify(state, features, train=False)[0]

        def right(state, rows):
            return logits(state, rows.x).argmax(1) == rows.y

        def refresh(state, swept, context):
            first = swept["target"]["z"]
            second = first - first.mean(0, keepdims=True)
            return state.put(bank=first + second * swept["labelled"].mean())

        def loss(state, batch, context):
            x = model.augment(context.key, batch.source.x, "weak")
            features, state = model.features(state, x)
            z, state = model.classify(state, features)
            value = model.task_loss(z, batch.source.y)
            seen, state = model.features(state, batch.target.x)
            z, state = model.classify(state, seen)
            value += jnp.square(z - state.extra["bank"][batch.target.index]).mean()
            shown, state = model.features(state, batch.labelled.x)
            z, state = model.classify(state, shown)
            value += model.task_loss(z, batch.labelled.y)
            return value, state, {"grey": batch.target.x.mean()}

        def quiet(state, batch, context):
            features, state = model.features(state, batch.target.x)
            z, state = model.classify(state, features)
            return jnp.square(z).mean(), state, {}

        sweeps = {
            "target": Sweep("target", lambda state, rows: {"z": logits(state, rows.x)}),
            "labelled": Sweep("labelled", right),
        }
        sees = frozenset({"source", "target", "labelled"})
        main = Phase((Objective(loss),), sees=sees, begin=begin, refresh=refresh, sweeps=sweeps, batch={"target": 2})
        return main, Phase((Objective(quiet),), name="test", sees=frozenset({"target"}), online=Online())


class Decoded:
    """Images that are read when asked for, and only then."""

    def __init__(self, images):
        self.images, self.shape, self.dtype, self.asked = images, images.shape, images.dtype, 0

    def __len__(self):
        return len(self.images)

    def __getitem__(self, rows):
        self.asked += len(rows)
        return self.images[rows]


def run(data=TASK, **more):
    return train(Everything(), TinyBN, data, RECIPE, (3, 4), **more)


@pytest.fixture(scope="module")
def resident():
    return run()


@pytest.mark.parametrize("chunk", [1, 2**20])
def test_streamed_is_resident_but_for_rounding(resident, chunk, monkeypatch):
    """Both take the same rows and keys; XLA may order the sums of a step alone and of a step among others otherwise."""
    monkeypatch.setattr(sources, "CHUNK", chunk)  # one step a call, and a round a call
    streamed = run(stream=True)
    assert [e.step for e in streamed.evaluations] == [3, 6, 9, 12, 12] and streamed.diverged == (False, False)
    for one, other in zip(resident.evaluations, streamed.evaluations, strict=True):
        assert one.source_logits.shape == other.source_logits.shape
        np.testing.assert_allclose(other.source_logits, one.source_logits, atol=1e-5)
        np.testing.assert_allclose(other.target_logits, one.target_logits, atol=1e-5)
        assert one.metrics.keys() == other.metrics.keys()
        for name, values in one.metrics.items():
            np.testing.assert_allclose(other.metrics[name], values, rtol=1e-5, atol=1e-6)


def test_images_are_read_once_a_use_and_never_held():
    fields = {name: Decoded(getattr(TASK, name).x) for name in ("source", "source_val", "target", "labelled", "test")}
    data = TASK._replace(**{name: getattr(TASK, name)._replace(x=x) for name, x in fields.items()})
    streamed = run(data, stream=True)
    steps, size = 2 * RECIPE.steps, RECIPE.batch  # of two seeds
    assert fields["source"].asked == steps * size
    # a sweep a round for both seeds, whose last slice is moved back: 45 rows are three slices of 16
    assert fields["target"].asked == steps * 2 * size + RECIPE.rounds * 48
    assert fields["labelled"].asked == steps * size + RECIPE.rounds * 48
    assert fields["source_val"].asked == (RECIPE.rounds + 1) * 32
    assert fields["test"].asked == RECIPE.rounds * 32 + 27
    plain = run(stream=True)
    jax.tree.map(np.testing.assert_array_equal, streamed.evaluations[-1][2:], plain.evaluations[-1][2:])


def test_what_is_too_large_is_streamed_unasked(monkeypatch):
    assert not sources.too_large(TASK)
    monkeypatch.setattr(sources, "memory", lambda: 20_000)  # half of it is less than 186 images of 64 bytes
    assert sources.too_large(TASK)
    assert devices.memory() > 2**28


def test_a_tree_is_as_large_as_its_leaves(monkeypatch):
    data = tiny_task(input="tree")
    size = sum(
        len(getattr(data, name).domain) * 6 * 4 for name in ("source", "source_val", "target", "labelled", "test")
    )
    for memory, large in ((2 * size - 2, True), (2 * size, False)):
        monkeypatch.setattr(sources, "memory", lambda memory=memory: memory)
        assert sources.too_large(data) == large


def test_chunks_of_steps_hold_what_a_call_may_and_divide_the_round(monkeypatch):
    rows = {
        "source": jnp.arange(2 * 6 * 4).reshape(2, 6, 4) % 48,
        "target": jnp.arange(2 * 6 * 8).reshape(2, 6, 8) % 45,
    }
    one_step = 2 * (4 + 8) * 64  # bytes, of both runs
    for most, sizes in ((1, [1] * 6), (3 * one_step, [3, 3]), (5 * one_step, [3, 3]), (2**20, [6])):
        monkeypatch.setattr(sources, "CHUNK", most)
        chunks = list(sources.Streamed(TASK).steps(sources.split_runs(rows)))
        steps = [chunk[0].rows["source"].shape[0] for _, chunk in chunks]
        assert steps == sizes and [first for first, _ in chunks] == np.cumsum([0, *sizes[:-1]]).tolist()
        for run in range(2):
            whole = np.concatenate([chunk[run].x["target"] for _, chunk in chunks])
            np.testing.assert_array_equal(whole, TASK.target.x[np.asarray(rows["target"][run])])


def test_slices_are_padded_on_the_device_alone():
    rows = np.arange(12).reshape(3, 4)
    ((first, chunk, count),) = sources.Resident().slices("test", rows, pad=5)
    assert (first, chunk.rows.shape, chunk.x, count) == (0, (5, 4), None, 3)
    streamed = list(sources.Streamed(TASK).slices("test", rows, pad=5))
    assert [(first, count) for first, _, count in streamed] == [(0, 1), (1, 1), (2, 1)]
    for number, (_, chunk, _) in enumerate(streamed):
        np.testing.assert_array_equal(chunk.x[0], TASK.test.x[rows[number]])
