"""Margin disparity discrepancy."""

import jax
import jax.numpy as jnp
import numpy as np
from states import critic
from terms import OUTPUTS, begun, check_weight, term

from tlx.ops import margin_disparity
from tlx_strategies.mdd import MDD


def test_reverses_a_tenth_of_the_gradient_and_trains_its_adversary():
    """The trap: the adversary's margin game without eta, which drowns the task."""
    probe = begun(MDD(hidden=(5,)))
    check_weight(probe)
    found = term(probe, progress=0.4)

    def game(params, source, target):
        judged = critic(params, source), critic(params, target)
        return margin_disparity(OUTPUTS.source_logits, judged[0], OUTPUTS.target_logits, judged[1], 4.0)

    adversary = probe.state.params["adversary"]
    own, *of = jax.jit(jax.grad(game, argnums=(0, 1, 2)))(adversary, OUTPUTS.source, OUTPUTS.target)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-6), found.params["adversary"], own)
    for slope, plain in zip((found.outputs.source, found.outputs.target), of, strict=True):
        np.testing.assert_allclose(slope, -0.1 * np.tanh(2) * plain, atol=1e-6)
    assert not np.any(found.outputs.source_logits) and not np.any(found.outputs.target_logits)
    assert jnp.shape(adversary["layers"][1]["kernel"]) == (5, 3)
