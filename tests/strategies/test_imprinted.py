"""Imprinted weights."""

import jax.numpy as jnp
import numpy as np
import pytest
from programs import at_phase
from scipy.special import log_softmax
from states import features

from tlx_strategies.imprinted import Imprinted

KNOWN, OUTPUTS = 3, 5
Y = jnp.asarray(np.arange(24) % OUTPUTS, jnp.int32)


def unit(x):
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def probed(phase, **settings):
    """A probe whose labelled rows are of all classes, the new ones too."""
    probe = at_phase(Imprinted(**settings), 0, outputs=OUTPUTS)
    labelled = probe.rows["labelled"]
    probe.rows = {**probe.rows, "labelled": labelled._replace(y=Y[: len(labelled.index)])}
    probe.batch = probe.batch._replace(labelled=probe.batch.labelled._replace(y=Y[: len(probe.batch.labelled.y)]))
    if phase:
        probe.begin(1, probe.step(3))
    if phase > 1:
        probe.begin(2, probe.refresh())
    return probe


def test_new_outputs_are_the_unit_means_of_unit_features():
    """The traps: means of features that are not unit vectors; the known classes' weights taken over."""
    probe = probed(1)
    rows, before = probe.rows["labelled"], np.asarray(probe.state.params["weights"])
    z, y = unit(np.float64(features(probe, rows.x, train=False))), np.asarray(rows.y)
    after = np.asarray(probe.refresh().params["weights"])
    np.testing.assert_array_equal(after[:, :KNOWN], before[:, :KNOWN])
    for label in range(KNOWN, OUTPUTS):
        mean = np.mean([row for row, own in zip(z, y, strict=True) if own == label], axis=0)
        np.testing.assert_allclose(after[:, label], mean / np.linalg.norm(mean), atol=1e-4)


@pytest.mark.parametrize(("phase", "classes"), [(0, KNOWN), (2, OUTPUTS)])
def test_is_the_cross_entropy_of_scaled_cosines(phase, classes):
    """The trap: outputs of new classes, which no source row has, pushed down before they mean anything."""
    probe = probed(phase, scale=7.0)
    state, batch = probe.state, probe.batch
    x, y = batch.source.x, np.asarray(batch.source.y)
    if phase:
        x, y = jnp.concatenate([x, batch.labelled.x]), np.concatenate([y, batch.labelled.y])
    w = unit(np.float64(state.params["weights"]).T)[:classes]
    log_p = log_softmax(float(state.params["scale"]) * unit(np.float64(features(probe, x))) @ w.T, 1)
    assert probe.value()[0] == pytest.approx(-np.mean(log_p[np.arange(len(y)), y]), rel=1e-4)
    slope = np.asarray(probe.slope()["weights"])
    assert np.any(slope[:, KNOWN:]) == bool(phase)


def test_every_class_is_drawn_alike():
    assert probed(0).phases[2].draw == {"source": "class", "labelled": "class"}
