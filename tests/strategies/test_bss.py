"""Batch spectral shrinkage."""

import numpy as np
import pytest
from programs import at_phase
from states import cross_entropy, features, logits

from tlx_strategies.bss import BSS


def test_shrinks_the_smallest_singular_values():
    probe = at_phase(BSS(k=2, eta=0.5))
    rows = probe.batch.labelled
    z = features(probe, rows.x)
    smallest = np.sort(np.linalg.svd(np.float64(z))[1])[:2]
    loss, metrics = probe.value()
    assert metrics["shrinkage"] == pytest.approx(np.sum(smallest**2), rel=1e-2, abs=1e-5)
    assert loss == pytest.approx(cross_entropy(logits(probe, z), rows.y) + 0.5 * metrics["shrinkage"], rel=1e-4)
