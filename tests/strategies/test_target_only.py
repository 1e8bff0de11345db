"""The oracle bound."""

import jax.numpy as jnp
import numpy as np
import pytest
from states import cross_entropy, features, logits, same

from tlx.testing import Probe
from tlx_strategies.target_only import TargetOnly


def test_is_marked_as_a_bound():
    """The trap: the oracle listed as an adaptation method."""
    probe = Probe(TargetOnly())
    probe.begin()
    assert probe.phases[0].sees == {"labelled"} and TargetOnly.setting == "bound"
    z = features(probe, probe.batch.labelled.x)
    assert probe.value()[0] == pytest.approx(cross_entropy(logits(probe, z), probe.batch.labelled.y), rel=1e-5)


def test_reads_the_labels_of_the_target():
    """Labels exchanged in `labelled` exchange the predictions; those of the source do not count."""
    probe = Probe(TargetOnly())
    probe.begin()
    batch, rows = probe.batch, probe.batch.labelled

    def predicted():
        return np.asarray(probe.predict(rows.x, state=probe.step(300)).argmax(1))

    first = predicted()
    probe.batch = batch._replace(labelled=rows._replace(y=(rows.y + 1) % 3))
    exchanged = predicted()
    probe.batch = batch._replace(source=batch.source._replace(y=(batch.source.y + 1) % 3))
    assert np.mean(first == rows.y) > 0.9 and np.mean(exchanged == (rows.y + 1) % 3) > 0.9
    assert same(first, predicted()) and jnp.any(batch.source.y != probe.batch.source.y)
