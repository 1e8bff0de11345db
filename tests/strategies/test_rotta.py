"""A memory that is balanced, and statistics that follow it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from programs import at_phase, entropies, parameters
from scipy.special import expit, log_softmax, softmax
from states import features, linear, logits, moved_layers, running, same

from tlx.contract import Online
from tlx.ops import Timely, timely_memory
from tlx_strategies.rotta import RoTTA


def bn_by_moved(state, net, x, alpha):
    """Logits of x by statistics that have moved by alpha, and the mean among these."""
    part, who = state.params[f"{net}features"], f"{net}features"
    h = np.float64(linear(part["fc"], x.reshape(len(x), -1)))
    bn = {name: np.float64(leaf) for name, leaf in state.stats[who].values["bn"].items()}
    mean, var = ((1 - alpha) * bn[name] + alpha * own for name, own in (("mean", h.mean(0)), ("var", h.var(0))))
    affine = {name: np.float64(leaf) for name, leaf in part["bn"].items()}
    z = np.maximum((h - mean) / np.sqrt(var + 1e-5) * affine["scale"] + affine["bias"], 0)
    head = state.params[f"{net}head"]
    return z @ np.float64(head["kernel"]) + np.asarray(head["bias"], np.float64)[None], mean


@pytest.mark.slow
def test_learns_from_the_teacher_on_the_memory():
    """The traps: a loss on the stream's own batch; statistics of that batch; weights that count empty places."""
    probe = at_phase(RoTTA(memory=20, alpha=0.2))
    assert probe.phases[1].online == Online("before") and probe.phases[1].sees == {"target"}
    state, x = probe.state, np.asarray(probe.batch.target.x)
    state = state.put_params(teacher_head=jax.tree.map(lambda leaf: 2 * leaf, state.params["head"]))
    z = features(probe, x, net="teacher_features", train=False)
    p = softmax(np.float64(logits(probe, z, "teacher_head", state=state)), 1)
    guess, doubt = jnp.int32(p.argmax(1)), jnp.float32(entropies(p))
    about, row = timely_memory(Timely.empty(20), guess, doubt, 3)
    filled = np.flatnonzero(np.asarray(row) >= 0)
    assert 0 < len(filled) <= 16
    held = x[np.asarray(row)[np.resize(filled, 20)]]
    wanted, mean = bn_by_moved(state, "teacher_", held, 0.2)
    view = probe.model.augment(probe.context().key, jnp.asarray(held), "strong")
    student, own_mean = bn_by_moved(state, "", np.asarray(view), 0.2)
    gaps = -np.sum(softmax(wanted, 1) * log_softmax(student, 1), 1)[: len(filled)]
    weights = expit(-np.asarray(about.age)[filled] / 20)
    loss, metrics = probe.value(state=state)
    assert loss == pytest.approx(np.mean(weights * gaps), rel=1e-3) and metrics["held"] == len(filled)
    after = probe.seen(state=state)
    np.testing.assert_allclose(running(after, "teacher_features"), mean, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(running(after), own_mean, rtol=1e-3, atol=1e-4)


def test_the_teacher_follows_and_predicts_by_running_statistics():
    """The traps: predictions by the batch, which a run of one class breaks; a teacher that is the student."""
    probe = at_phase(RoTTA(nu=0.5, memory=20))
    before, after = probe.state, probe.step()
    assert moved_layers(before, after) >= {"bn"} and same(before.params["head"], after.params["head"])
    mean = jax.tree.map(lambda a, b: (a + b) / 2, before.params["features"], after.params["features"])
    teacher = parameters(after, ("features",), "teacher_")["features"]
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6), teacher, mean)
    every = probe.predict(state=after)
    alone = RoTTA().predict(probe.model, after, probe.batch.target.x[:1])
    np.testing.assert_allclose(alone, every[:1], rtol=1e-4, atol=1e-5)


def test_a_batch_may_be_one_row():
    probe = at_phase(RoTTA(memory=4))
    probe.batch = probe.batch._replace(target=jax.tree.map(lambda leaf: leaf[:1], probe.batch.target))
    loss, metrics = probe.value()
    assert np.isfinite(loss) and metrics["held"] == 1
