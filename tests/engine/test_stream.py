"""The streamed run against the resident one, on the same batches."""

import jax.numpy as jnp
import numpy as np
import pytest

from tlx import Objective, Phase, Strategy, strategy
from tlx.engine import devices, stream
from tlx.engine.train import train
from tlx.ops import cross_entropy
from tlx.testing.tiny import TinyBN, tiny_recipe, tiny_task

TASK = tiny_task()
RECIPE = tiny_recipe()


@strategy
class Everything(Strategy):
    """Trains on augmented images of all fields with a bank that two sweeps make; then, online, on the test images."""

    def phases(self, model):
        def begin(state, context):
            return state._replace(extra={**state.extra, "bank": jnp.zeros((model.rows, model.classes))})

        def refresh(state, sweep, context):
            def logits(x):
                return {"z": model.logits(state, model.features(state, x, train=False)[0])}

            first = sweep(logits)["z"]
            right = sweep(lambda x, y: logits(x)["z"].argmax(1) == y, "labelled")
            second = sweep(lambda x: logits(x)["z"] - first.mean(0))
            return state._replace(extra={**state.extra, "bank": first + second * right.mean()})

        def loss(state, batch, context):
            x = model.augment(context.key, batch.source.x, "weak")
            features, state = model.features(state, x)
            value = cross_entropy(model.logits(state, features), batch.source.y)
            seen, state = model.features(state, batch.target.x)
            value += jnp.square(model.logits(state, seen) - state.extra["bank"][batch.target.index]).mean()
            shown, state = model.features(state, batch.labelled.x)
            value += cross_entropy(model.logits(state, shown), batch.labelled.y)
            return value, state, {"grey": batch.target.x.mean()}

        def entropy(state, batch, context):
            features, state = model.features(state, batch.target.x)
            return jnp.square(model.logits(state, features)).mean(), state, {}

        sees = frozenset({"source", "target", "labelled"})
        main = Phase((Objective(loss),), sees=sees, begin=begin, refresh=refresh)
        online = Phase((Objective(entropy),), name="test", sees=frozenset({"target"}), online=True)
        return main, online


class Decoded:
    """Images that are read when asked for, and only then."""

    def __init__(self, images):
        self.images, self.shape, self.asked = images, images.shape, 0

    def __len__(self):
        return len(self.images)

    def __getitem__(self, rows):
        self.asked += len(rows)
        return self.images[rows]


def both(recipe=RECIPE, seeds=(3, 4)):
    resident = train(Everything(), TinyBN, TASK, recipe, seeds)
    return resident, train(Everything(), TinyBN, TASK, recipe, seeds, stream=True)


@pytest.mark.parametrize("chunk", [1, 2**20])
def test_streamed_is_resident_but_for_rounding(chunk, monkeypatch):
    monkeypatch.setattr(stream, "CHUNK", chunk)  # one step a call, and a round a call
    resident, streamed = both()
    assert [e.step for e in streamed.evaluations] == [3, 6, 9, 12, 12] and streamed.diverged == (False, False)
    for one, other in zip(resident.evaluations, streamed.evaluations, strict=True):
        assert one.source_logits.shape == other.source_logits.shape
        np.testing.assert_allclose(other.source_logits, one.source_logits, atol=1e-5)
        np.testing.assert_allclose(other.target_logits, one.target_logits, atol=1e-5)
        assert one.metrics.keys() == other.metrics.keys()
        for name, values in one.metrics.items():
            np.testing.assert_allclose(other.metrics[name], values, rtol=1e-5, atol=1e-6)


def test_images_are_read_once_a_use_and_never_held():
    source = Decoded(TASK.source.x)
    data = TASK._replace(source=TASK.source._replace(x=source))
    streamed = train(Everything(), TinyBN, data, RECIPE, (3, 4), stream=True)
    assert source.asked == 2 * RECIPE.steps * RECIPE.batch
    np.testing.assert_array_equal(streamed.evaluations[-1].target_logits, both()[1].evaluations[-1].target_logits)


def test_what_is_too_large_is_streamed_unasked(monkeypatch):
    assert not stream.too_large(TASK)
    monkeypatch.setattr(stream, "memory", lambda: 20_000)  # half of it is less than 186 + 45 images of 64 bytes
    assert stream.too_large(TASK)
    assert devices.memory() > 2**28
