"""Gradual self-training."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from programs import at_phase
from scipy.special import softmax
from states import features, logits

from tlx.ops import confident_rows
from tlx_strategies.gradual import Gradual

STEPS = 3  # targets


def probe_with(steps: int, **settings):
    """A probe whose target rows are of so many targets, in blocks that are not in the order of the rows."""
    probe = at_phase(Gradual(**settings))
    target = probe.rows["target"]
    domain = 1 + jnp.asarray(np.random.default_rng(0).permutation(np.arange(len(target.index)) % steps), jnp.int32)
    probe.rows = {**probe.rows, "target": target._replace(domain=domain)}
    return probe, np.asarray(domain)


def test_one_target_at_a_time_is_learnt_in_order():
    """The trap: the last target, far from the source, is labelled by a network that has not come near it yet."""
    probe, domain = probe_with(STEPS, keep=1.0)
    for progress, at in ((0.0, 1), (0.34, 2), (0.66, 2), (0.67, 3), (0.99, 3)):
        probe.state = probe.refresh(progress=progress)
        np.testing.assert_array_equal(probe.state.extra["kept"], domain == at)


def test_the_surest_rows_of_the_target_are_kept_with_their_labels():
    probe, domain = probe_with(STEPS, keep=0.5)
    x = probe.rows["target"].x
    p = softmax(np.float64(logits(probe, features(probe, x, train=False))), 1)
    mine = np.flatnonzero(domain == 1)
    surest = mine[np.argsort(-p[mine].max(1))][: len(mine) // 2]
    state = probe.refresh(progress=0.0)
    assert set(np.flatnonzero(state.extra["kept"])) == set(surest.tolist())
    np.testing.assert_array_equal(state.extra["labels"], p.argmax(1))


def test_labels_stand_while_a_target_is_learnt():
    """The trap: labels renewed every round, so that a network that drifts is taught by itself."""
    probe, _ = probe_with(STEPS)
    before = probe.refresh(progress=0.0)
    turned = before.put_params(head={name: -leaf for name, leaf in before.params["head"].items()})
    same, renewed = (probe.refresh(state=turned, progress=progress) for progress in (0.2, 0.4))
    np.testing.assert_array_equal(same.extra["labels"], before.extra["labels"])
    assert not np.array_equal(renewed.extra["labels"], before.extra["labels"])


def test_rows_are_drawn_among_those_that_are_kept():
    probe, _ = probe_with(STEPS, keep=0.5)
    state, draw = probe.refresh(), probe.phases[-1].draw
    assert callable(draw)
    drawn = draw(state, {}, jax.random.key(3), {"target": 400})["target"]
    assert set(drawn.tolist()) == set(np.flatnonzero(state.extra["kept"]).tolist())


@pytest.mark.parametrize("share", [0.3, 0.9, 1.0])
def test_confident_rows(share):
    random = np.random.default_rng(1)
    confidence, among = random.uniform(size=30), np.arange(30) % 3 == 1
    order = sorted(np.flatnonzero(among), key=lambda row: -confidence[row])
    expected = set(order[: int(np.ceil(share * 10 - 1e-9))])
    kept = confident_rows(jnp.asarray(confidence, jnp.float32), jnp.asarray(among), share)
    assert set(np.flatnonzero(kept)) == expected
