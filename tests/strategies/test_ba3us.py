"""Balanced and uncertainty-aware adaptation."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import log_expit, softmax
from scipy.stats import entropy
from states import features, linear, logits

from tlx.testing import Probe
from tlx_strategies.ba3us import BA3US

N = 8


def probed(**settings):
    """A probe with 8 target rows and 10 source rows, of which 2 are to be added to the target's side."""
    probe = Probe(BA3US(hidden=(), **settings))
    probe.begin()
    source, target = (
        jax.tree.map(lambda leaf, n=n: leaf[:n], probe.rows[name]) for name, n in (("source", N + 2), ("target", N))
    )
    probe.batch = probe.batch._replace(source=source, target=target)
    probe.state = probe.state.put(weights=jnp.asarray([0.5, 0.3, 0.2]))
    return probe


@pytest.mark.parametrize(("progress", "added"), [(0.0, 2), (0.5, 1), (0.9, 0)])
def test_added_source_rows_stand_on_the_targets_side(progress, added):
    """The traps: added rows on the source's side, or in the task; their number, which has to fall to 0."""
    probe = probed(entropy=0.2, complement=0.7)
    batch = probe.batch
    z = features(probe, jnp.concatenate([batch.source.x, batch.target.x]))
    p = softmax(np.float64(logits(probe, z)), axis=1)
    judged = np.asarray(linear(probe.state.params["critic"]["layers"][0], z), np.float64)[:, 0]
    y, w = np.asarray(batch.source.y), np.array([0.5, 0.3, 0.2])
    own = w[y[:N]]
    task = np.sum(own * -np.log(p[np.arange(N), y[:N]])) / own.sum()
    spread, trusts = [], []
    for row, label in zip(p[:N], y[:N], strict=True):
        spread.append(entropy(np.delete(row, label)) / np.log(2))
        trusts.append(w[label] * (1 - row[label]))
    complement = np.average(spread, weights=trusts)
    trust = 1 + np.exp(-entropy(p, axis=1))
    losses = [-log_expit(judged[i]) for i in range(N)] + [-log_expit(-judged[N + i]) for i in range(added)]
    source = np.average(losses, weights=(trust[: N + 2] * w[y])[: N + added])
    target = np.average(-log_expit(-judged[N + 2 :]), weights=trust[N + 2 :])
    domain = ((1 + added / N) * source + target) / (2 + added / N)
    expected = task + 0.2 * np.mean(entropy(p[N + 2 :], axis=1)) - 0.7 * complement + domain
    assert probe.value(progress=progress)[0] == pytest.approx(expected, rel=1e-4)


def test_weights_are_how_often_the_target_is_taken_for_a_class():
    probe = probed()
    p = softmax(np.asarray(probe.predict(probe.rows["target"].x)), axis=1).mean(0)
    np.testing.assert_allclose(probe.refresh(progress=0.5).extra["weights"], p, rtol=1e-4)
    np.testing.assert_array_equal(probe.refresh(progress=0.0).extra["weights"], 1.0)
    assert probe.phases[0].batch == {"source": 1.25}
