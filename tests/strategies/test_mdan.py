"""Multisource domain adversarial networks."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import logsumexp
from states import critic, cross_entropy, logits, together

from tlx.testing import Probe
from tlx_strategies.mdan import MDAN


def test_each_source_has_a_discriminator_and_the_worst_counts_most():
    """The traps: one discriminator for all sources, which is DANN over their union; a mean in place of the maximum."""
    probe = Probe(MDAN(weight=0.5, gamma=3.0, hidden=(4,)), domains=2)
    probe.begin()
    source, target = together(probe)
    z, y = np.asarray(logits(probe, source)), np.asarray(probe.batch.source.y)
    bounds = []
    for d in range(2):
        half, params = slice(8 * d, 8 * d + 8), probe.state.params[f"critic{d}"]
        real, fake = np.asarray(critic(params, source[half])), np.asarray(critic(params, target))
        domain = (np.logaddexp(0, -real).mean() + np.logaddexp(0, fake).mean()) / 2
        bounds.append(cross_entropy(z[half], y[half].tolist()) + 0.5 * domain)
    assert probe.value()[0] == pytest.approx((logsumexp(3 * np.array(bounds)) - np.log(2)) / 3, rel=1e-4)


def test_reverses_the_gradient_of_the_features_only():
    """The trap: a discriminator that is trained backwards too. One source: the soft maximum is its bound."""
    whole, task = (Probe(MDAN(weight=weight, hidden=(4,))) for weight in (0.3, 0.0))
    for probe in (whole, task):
        probe.begin()
    model, batch = whole.model, whole.batch

    @jax.jit
    @jax.grad
    def plain(params):
        state = whole.state.put_params(**params)
        z, state = model.features(state, jnp.concatenate([batch.source.x, batch.target.x]))
        real, fake = jnp.split(model.apply(state, "critic0", z)[0][:, 0], [len(batch.source.y)])
        return (jax.nn.softplus(-real).mean() + jax.nn.softplus(fake).mean()) / 2

    expected = plain(whole.state.params)
    for group, factor in (("features", -0.3), ("critic0", 0.3)):
        jax.tree.map(
            lambda w, t, e, factor=factor: np.testing.assert_allclose(w - t, factor * e, rtol=1e-3, atol=1e-6),
            whole.slope()[group],
            task.slope()[group],
            expected[group],
        )
