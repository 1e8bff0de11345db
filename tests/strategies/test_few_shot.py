"""CCSA, d-SNE and DAGE: what they are shown, and which way their terms go."""

import jax.numpy as jnp
import numpy as np
import pytest
from states import features, moved

from tlx.ops import same_class
from tlx.testing import Probe
from tlx_strategies.ccsa import CCSA
from tlx_strategies.d_sne import DSNE
from tlx_strategies.dage import DAGE

METHODS = [CCSA(margin=4.0), DSNE(margin=4.0), DAGE()]
IDS = ["ccsa", "d_sne", "dage"]


@pytest.mark.parametrize("method", METHODS, ids=IDS)
def test_the_loss_is_a_mean_of_both_domains_and_the_term(method):
    """The trap: (1 - weight) on one of the two cross-entropies alone."""
    probe = Probe(method)
    probe.begin()
    loss, metrics = probe.value()
    expected = (1 - method.weight) * metrics["task"] + method.weight * metrics["term"]
    assert loss == pytest.approx(expected, rel=1e-5)
    assert moved(probe.state, probe.step()) == {"features", "head"}


@pytest.mark.parametrize("method", METHODS, ids=IDS)
def test_the_term_pairs_labels_with_their_own_domain(method):
    """The trap: source labels beside target features. Each domain has batch statistics of its own."""
    probe = Probe(method)
    probe.begin()
    rows = probe.batch.source, probe.batch.labelled
    seen = [features(probe, known.x) for known in rows]
    term = method.term(seen[0], seen[1], same_class(rows[0].y, rows[1].y))
    assert probe.value()[1]["term"] == pytest.approx(float(term), rel=1e-4)


@pytest.mark.parametrize("method", METHODS, ids=IDS)
def test_the_term_falls_as_classes_part(method):
    """The trap: pairs of one class and of two taken the wrong way round."""
    y = jnp.arange(6) % 3
    corners = 2 * np.eye(3, dtype=np.float32)[np.asarray(y)]
    turned = corners[:, [1, 2, 0]]
    apart, swapped = (
        float(method.term(jnp.asarray(corners), jnp.asarray(x), same_class(y, y))) for x in (corners, turned)
    )
    assert apart < swapped


def test_unlabelled_rows_are_not_seen():
    assert [phase.sees for method in METHODS for phase in Probe(method).phases] == [{"source", "labelled"}] * 3
