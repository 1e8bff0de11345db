"""ADDA with one encoder for both domains."""

import jax
import jax.numpy as jnp
import numpy as np
from states import linear
from terms import OUTPUTS, N, begun, term

from tlx_strategies.adda_joint import ADDAJoint


def test_gives_each_side_its_own_labels():
    """The traps: a discriminator that learns the inverted labels, or features that go down the right ones; one that
    learns by its running statistics, or judges the features by the batch's.
    """
    probe = begun(ADDAJoint(weight=0.5, gamma=3.0, hidden=(5,)))
    # statistics other than at the start, so that which ones judge makes a difference
    for _ in range(3):
        probe.state = term(probe).state
    critic, running = probe.state.params["critic"], probe.state.stats["critic"].values["norms"][0]
    found = term(probe, progress=0.4)

    def judge(critic, z, mean=None, var=None):
        first, norm, last = critic["layers"][0], critic["norms"][0], critic["layers"][1]
        h = linear(first, z)
        mean, var = (h.mean(0), h.var(0)) if mean is None or var is None else (mean, var)
        h = norm["scale"][None] * (h - mean[None]) / jnp.sqrt(var + 1e-5)[None] + norm["bias"][None]
        return linear(last, jax.nn.relu(h))[:, 0]

    def own(critic):
        judged = judge(critic, jnp.concatenate([OUTPUTS.source, OUTPUTS.target]))
        return (jax.nn.softplus(-judged[:N]).mean() + jax.nn.softplus(judged[N:]).mean()) / 2

    def inverted(source, target):
        judged = [judge(critic, z, running["mean"], running["var"]) for z in (source, target)]
        return 0.25 * flow * (jax.nn.softplus(judged[0]).mean() + jax.nn.softplus(-judged[1]).mean())

    flow = 2 / (1 + np.exp(-3.0 * 0.4)) - 1
    (loss, slopes), critic_slopes = (
        jax.jit(jax.value_and_grad(inverted, (0, 1)))(OUTPUTS.source, OUTPUTS.target),
        jax.jit(jax.grad(own))(critic),
    )
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-6), found.params["critic"], critic_slopes)
    np.testing.assert_allclose(found.outputs.source, slopes[0], atol=1e-6)
    np.testing.assert_allclose(found.outputs.target, slopes[1], atol=1e-6)
    np.testing.assert_allclose(found.value, own(critic) + loss, rtol=1e-5)
    assert not np.any(term(probe, progress=0.0).outputs.target)


def test_discriminator_keeps_running_statistics():
    probe = begun(ADDAJoint(hidden=(5,)))
    first = probe.state.params["critic"]["layers"][0]
    h = linear(first, jnp.concatenate([OUTPUTS.source, OUTPUTS.target]))
    kept = term(probe).state.stats["critic"].values["norms"][0]
    np.testing.assert_allclose(kept["mean"], 0.1 * h.mean(0), rtol=1e-4, atol=1e-7)
    np.testing.assert_allclose(kept["var"], 0.9 + 0.1 * h.var(0), rtol=1e-4)
