"""Conditional adversarial domain adaptation."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from states import linear
from terms import CLASSES, OUTPUTS, WIDTH, begun, check_weight, term

from tlx.ops import domain_loss, entropies, multilinear_map, random_multilinear_map
from tlx_strategies.cdan import CDAN


def test_gives_predictions_no_gradient_but_by_the_entropy():
    """The trap: g trained to fool D. With entropy the weights' gradient arrives, and is reversed: 0 at progress 0."""
    plain, conditioned = begun(CDAN(hidden=(5,))), begun(CDAN(hidden=(5,), entropy=True))
    check_weight(plain)
    assert not np.any(term(plain).outputs.target_logits)
    assert np.any(term(conditioned).outputs.target_logits)
    assert not np.any(term(conditioned, progress=0.0).outputs.target_logits)
    assert np.any(term(plain).outputs.target) and term(plain).value != term(conditioned).value


def test_the_entropys_gradient_is_reversed_where_tllibs_is_none():
    """As the authors' code; TLLib detaches g before its entropy, and so has 0 here."""
    probe = begun(CDAN(hidden=(), entropy=True))
    layer, n = probe.state.params["critic"]["layers"][0], len(OUTPUTS.source)
    f = jnp.concatenate([OUTPUTS.source, OUTPUTS.target])
    logits = jnp.concatenate([OUTPUTS.source_logits, OUTPUTS.target_logits])
    judged = linear(layer, multilinear_map(f, jax.nn.softmax(logits)))[:, 0]

    def through_the_weights(logits):
        weights = 1 + jnp.exp(-entropies(logits))
        return domain_loss(judged[:n], judged[n:], weights[:n], weights[n:])

    slope = term(probe).outputs
    expected = -np.tanh(2) * jax.grad(through_the_weights)(logits)
    np.testing.assert_allclose(np.concatenate([slope.source_logits, slope.target_logits]), expected, atol=1e-6)
    assert np.abs(expected).max() > 1e-3


def test_random_map_is_kept():
    """The trap: a map that is drawn anew at every step, or trained."""
    probe = begun(CDAN(hidden=(), random=7))
    layer, maps = probe.state.params["critic"]["layers"][0], probe.state.extra["maps"]
    assert layer["kernel"].shape == (7, 1) and "maps" not in probe.state.params
    found = term(probe)
    np.testing.assert_array_equal(found.state.extra["maps"][0], maps[0])
    judged = [
        linear(layer, random_multilinear_map(z, jax.nn.softmax(out), *maps))[:, 0]
        for z, out in ((OUTPUTS.source, OUTPUTS.source_logits), (OUTPUTS.target, OUTPUTS.target_logits))
    ]
    assert found.value == pytest.approx(float(domain_loss(*judged)), rel=1e-5)


def test_discriminator_sees_every_product():
    probe = begun(CDAN(hidden=()))
    assert probe.state.params["critic"]["layers"][0]["kernel"].shape == (WIDTH * CLASSES, 1)
