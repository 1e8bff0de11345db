from typing import Any

import jax.numpy as jnp
import numpy as np
from scipy.spatial.distance import cosine
from scipy.special import softmax
from scipy.stats import entropy

from tlx import ops

reliable_weights: Any = ops.reliable_weights

LOGITS = np.random.default_rng(0).normal(0, 3, (40, 5))


def test_weights_are_a_loop_over_the_rows():
    seen: Any = softmax(np.array([2.0, 0, 0, 0, 0]))
    limit, expected = 0.5 * np.log(5), []
    for p in softmax(LOGITS, 1):
        kept = entropy(p) < limit and abs(1 - cosine(p, seen)) < 0.6
        expected.append(np.exp(limit - entropy(p)) if kept else 0)
    assert 0 < np.count_nonzero(expected) < 40
    np.testing.assert_allclose(reliable_weights(jnp.asarray(LOGITS), seen, 0.5, 0.6), expected, rtol=1e-9)


def test_nothing_seen_leaves_no_row_out():
    """The trap: a cosine to the zero vector, which is NaN and refuses every row of the first batch."""
    weights = reliable_weights(jnp.asarray(LOGITS), jnp.zeros(5), 1.0, 0.01)
    assert np.isfinite(weights).all() and (weights >= 1).all()
