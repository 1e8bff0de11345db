"""Source hypothesis transfer."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from programs import at_phase, entropies, probabilities
from states import cross_entropy, features, logits, moved, same

from tlx.ops import centroid_labels
from tlx_strategies.shot import SHOT


def test_adapts_without_the_source():
    """The traps: source data in the source-free phase; a classifier that moves."""
    probe = at_phase(SHOT())
    assert [phase.sees for phase in probe.phases] == [{"source"}, {"target"}]
    after = probe.step(2)
    assert moved(probe.state, after) == {"features"}
    probe.batch = probe.batch._replace(source=jax.tree.map(jnp.zeros_like, probe.batch.source))
    assert same(after, probe.step(2))


def test_reads_the_bank_by_the_rows_index():
    """The trap: the bank read by place in the batch. Pseudo-labels belong to rows of the target train set."""
    probe = at_phase(SHOT(diversity=0.5, pseudo=0.3))
    bank, rows = jnp.arange(24) % 3, probe.batch.target
    p = probabilities(probe, rows.x)
    diverse = entropies(p.mean(0, keepdims=True))[0]
    pseudo = cross_entropy(np.log(p), bank[rows.index])
    expected = entropies(p).mean() - 0.5 * diverse + 0.3 * pseudo
    assert probe.value(state=probe.state.put(labels=bank))[0] == pytest.approx(expected, rel=1e-4)


def test_labels_every_target_row_in_eval_mode():
    """The trap: pseudo-labels by batch statistics, so that they depend on how the sweep is cut."""
    probe = at_phase(SHOT())
    labels = probe.refresh().extra["labels"]
    assert labels.shape == (24,) and len(set(np.asarray(labels).tolist())) > 1
    whole, cut = (probe.sweep(size=size)["forward"] for size in (24, 4))
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5), whole, cut)
    assert same(labels, centroid_labels(*cut))


def test_labels_anew_before_every_round():
    """The traps: labels computed once; labels of another state than the one at the start of the round."""
    probe, banks = at_phase(SHOT()), []
    x = probe.rows["target"].x
    for _ in range(2):
        z = features(probe, x, train=False)
        banks.append(np.asarray(probe.refresh().extra["labels"]))
        np.testing.assert_array_equal(banks[-1], centroid_labels(z, logits(probe, z)))
        # classes exchanged between the rounds: the labels must follow
        head = jax.tree.map(lambda leaf: jnp.roll(leaf, 1, -1), probe.state.params["head"])
        probe.state = probe.step(state=probe.refresh()).put_params(head=head)
    assert not np.array_equal(*banks)
