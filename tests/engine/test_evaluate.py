import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tlx import Strategy, strategy
from tlx.engine.evaluate import evaluate, sweep
from tlx.engine.feed import MULTIPLE, check_sees, make_feed, normalise, take
from tlx.engine.model import Frame, make_model
from tlx.errors import ContractError
from tlx.testing.tiny import TinyBN, tiny_task

TASK = tiny_task()
FEED = make_feed(TASK, frozenset({"source", "target"}))
MODEL = make_model(Frame(TinyBN, (8, 8, 1), 3, 45))
STATE = MODEL.init(jax.random.key(0))


@pytest.mark.parametrize("batch", [1, 4, 27, 5000])
def test_batches_give_what_the_whole_gives(batch):
    found = evaluate(Strategy(), MODEL, STATE, FEED, [FEED.source_val, FEED.test], batch)
    for got, images in zip(found, (TASK.source_val.x, TASK.test_x), strict=True):
        whole = Strategy().predict(MODEL, STATE, normalise(FEED, jnp.asarray(images)))
        np.testing.assert_allclose(got[: len(images)], whole, atol=1e-5)


def test_two_tables_of_one_shape_trace_predict_once():
    traced = []

    @strategy
    class Counts(Strategy):
        def predict(self, model, state, x):
            traced.append(x.shape)
            return super().predict(model, state, x)

    evaluate(Counts(), MODEL, STATE, FEED, [FEED.source_val, FEED.test], 8)
    assert traced == [(8, 8, 8, 1)]


@pytest.mark.parametrize("batch", [1, 7, 45, 99])
def test_a_sweep_is_in_index_order(batch):
    got = sweep(FEED, 45, batch, lambda x: {"grey": x.mean((1, 2, 3))})["grey"]
    np.testing.assert_allclose(got, (TASK.target_x / 255 - 0.5).mean((1, 2, 3)) / 0.5, atol=1e-5)


def test_the_feed_is_uint8_padded_and_without_target_labels():
    assert set(FEED.tables) == {"source", "target"}
    assert FEED.tables["source"].x.dtype == jnp.uint8 and FEED.tables["source"].x.shape[0] == MULTIPLE
    assert int(FEED.tables["source"].n) == 48
    assert not FEED.tables["target"].y.any() and not FEED.test.y.any()


def test_a_batch_holds_the_rows_that_are_asked_for():
    rows = jnp.array([3, 40])
    batch = take(FEED, {"source": rows, "target": rows}, "here")
    np.testing.assert_array_equal(batch.source.y, TASK.source.y[[3, 40]])
    np.testing.assert_array_equal(batch.target.index, [3, 40])
    np.testing.assert_allclose(batch.target.x, (TASK.target_x[[3, 40]] / 255 - 0.5) / 0.5, atol=1e-6)
    assert not batch.labelled


def test_an_unknown_field_gets_the_nearest():
    with pytest.raises(ContractError, match="here sees 'sorce'; expected source, target, labelled; source?"):
        check_sees(frozenset({"sorce"}), TASK, "here")
