"""Domain-adversarial training."""

import jax
import jax.numpy as jnp
import numpy as np
from states import moved, pushed, same
from terms import begun, check_weight

from tlx.testing import Probe
from tlx_strategies.dann import DANN


def probed(**settings) -> Probe:
    probe = Probe(DANN(hidden=(4,), **settings))
    probe.begin()
    return probe


def test_term_has_its_weight():
    check_weight(begun(DANN(hidden=(5,))))


def test_reverses_the_gradient_of_the_features_only():
    """The trap: a critic that is trained backwards too, or a coefficient that scales the critic's gradient."""
    probe = probed(weight=0.7)
    model, batch = probe.model, probe.batch

    @jax.jit
    @jax.grad
    def plain(params):
        """The discriminator's loss, with nothing reversed."""
        state = probe.state.put_params(**params)
        z, state = model.features(state, jnp.concatenate([batch.source.x, batch.target.x]))
        judged = model.apply(state, "critic", z)[0][:, 0]
        n = len(batch.source.y)
        return (jax.nn.softplus(-judged[:n]).mean() + jax.nn.softplus(judged[n:]).mean()) / 2

    expected, task, flow = plain(probe.state.params), probed(weight=0.0).slope(), np.tanh(5 * np.float32(0.1))
    whole = probe.slope(progress=0.1)
    for group, factor in (("features", -0.7 * flow), ("critic", 0.7), ("head", 0.0)):
        jax.tree.map(
            lambda w, t, e, factor=factor: np.testing.assert_allclose(w - t, factor * e, rtol=1e-3, atol=1e-6),
            whole[group],
            task[group],
            expected[group],
        )
    assert any(np.abs(leaf).max() > 1e-2 for leaf in jax.tree.leaves(expected["features"]))


def test_starts_without_an_adversary():
    """The coefficient is 0 at progress 0: a discriminator that knows nothing must not steer the features."""
    adversarial, task = probed().slope(progress=0.0), probed(weight=0.0).slope()
    jax.tree.map(lambda a, t: np.testing.assert_allclose(a, t, atol=1e-6), adversarial["features"], task["features"])
    assert any(np.any(leaf) for leaf in jax.tree.leaves(adversarial["critic"]))


def test_critic_descends_and_features_ascend():
    """The trap: a reversal on the wrong side, which trains critic and features together or against themselves."""
    probe, task = probed(), probed(weight=0.0)
    before, full, without = probe.state, probe.step(), task.step()

    def domain(state):
        return probe.value(state=state)[1]["domain"]

    assert moved(before, without) == {"features", "head"}, "at weight 0 the critic stands still"
    assert domain(before.put_params(critic=full.params["critic"])) < domain(before)
    # what the game adds to the features' step, over what the task does
    assert domain(pushed(before, full, without)) > domain(before)
    assert same(full.params["head"], without.params["head"]), "the classifier takes no part in the game"
