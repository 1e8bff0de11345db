"""The probe calls what the engine calls, from the state that it is at."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from states import moved, same

from tlx import NotShownError, Objective, Phase, Strategy, Sweep, strategy
from tlx.testing import Probe
from tlx.testing.probe import _compiled


@strategy
class Bank(Strategy):
    """Learns the source by half its gradient; then keeps the target's logits and a count, and moves the head."""

    weight: float = 0.5

    def init(self, model, key):
        return model.init(key).put(count=jnp.zeros(()))

    def source(self, model, state, batch, context):
        features, state = model.features(state, batch.source.x)
        logits, state = model.classify(state, features)
        task = model.task_loss(logits, batch.source.y)
        return self.weight * task, state, {"task": task, "progress": context.progress}

    def target(self, model, state, batch, context):
        features, state = model.features(state, batch.target.x, train=False)
        logits, state = model.classify(state, features)
        return jnp.mean((logits - state.extra["bank"][batch.target.index]) ** 2), state, {}

    def phases(self, model):
        def begin(state, context):
            return state.put(bank=jnp.zeros((model.rows["target"], model.outputs)))

        first = Phase((Objective(lambda *args: self.source(model, *args)),), sees=frozenset({"source"}))
        second = Phase(
            (Objective(lambda *args: self.target(model, *args), ("head",)),),
            name="adapt",
            sees=frozenset({"target"}),
            begin=begin,
            sweeps={"logits": Sweep("target", lambda state, rows: self.predict(model, state, rows.x))},
            refresh=lambda state, swept, context: state.put(bank=swept["logits"]),
            after=lambda state, batch, context: state.put(count=state.extra["count"] + 1),
        )
        return first, second


def test_value_slope_and_step_agree():
    probe = Probe(Bank())
    before = probe.begin()
    loss, metrics = probe.value(progress=0.25)
    assert loss == pytest.approx(0.5 * metrics["task"]) and metrics["progress"] == 0.25
    expected = jax.tree.map(lambda leaf, slope: leaf - 0.01 * slope, before.params, probe.slope())
    after = probe.step()
    jax.tree.map(lambda a, e: np.testing.assert_allclose(a, e, rtol=1e-5, atol=1e-6), after.params, expected)
    assert same(probe.state, before), "only `begin` moves the probe"
    assert same(probe.step(2), probe.step(state=after))
    assert not same(probe.seen().stats, before.stats) and same(probe.seen().params, before.params)
    assert probe.value(state=probe.step(9))[0] < loss


def test_another_weight_recompiles_nothing():
    probe, other = Probe(Bank()), Probe(Bank(weight=1.0))
    loss, _ = probe.value(state=probe.begin())
    compiled = _compiled._cache_size()  # pyright: ignore[reportAttributeAccessIssue]
    assert other.value(state=other.begin())[0] == pytest.approx(2 * loss)
    assert _compiled._cache_size() == compiled  # pyright: ignore[reportAttributeAccessIssue]


def test_a_bank_is_read_by_the_rows_index():
    """The trap: rows of a batch that lie as they do in the set, so that a bank read by place goes unseen."""
    probe = Probe(Bank())
    entered = probe.begin(1, Probe(Bank()).begin())
    assert not np.array_equal(probe.batch.target.index, np.arange(16))
    np.testing.assert_array_equal(probe.rows["target"].x[probe.batch.target.index], probe.batch.target.x)
    full = probe.refresh()
    np.testing.assert_array_equal(full.extra["bank"], probe.sweep()["logits"])
    np.testing.assert_allclose(full.extra["bank"], probe.sweep(size=6)["logits"], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(full.extra["bank"][probe.batch.target.index], probe.predict(), rtol=1e-5, atol=1e-6)
    assert probe.value(state=full)[0] == pytest.approx(0, abs=1e-9) and probe.value()[0] > 0
    after = probe.step(3)
    assert moved(entered, after) == {"head"} and after.extra["count"] == 3
    assert probe.after(state=after).extra["count"] == 4


@strategy
class Peeks(Bank):
    """Reads the target in a phase that sees the source."""

    def source(self, model, state, batch, context):
        return jnp.mean(batch.target.x), state, {}


def test_a_phase_is_shown_what_it_sees():
    probe = Probe(Peeks())
    probe.begin()
    with pytest.raises(NotShownError, match="Peeks, phase train reads batch.target"):
        probe.value()


@pytest.mark.parametrize(("kind", "shape"), [("vector", (64,)), ("sequence", (8, 8)), ("tokens", (64,))])
def test_rows_of_other_kinds(kind, shape):
    probe = Probe(Bank(), kind=kind, target_kind="real", domains=2)
    assert probe.model.shape == shape and probe.model.domains == 2
    assert probe.batch.source.y.shape == (16, 3) and set(np.asarray(probe.rows["source"].domain)) == {0, 1}
    probe.begin()
    assert probe.value(state=probe.step(5))[0] < probe.value()[0]
