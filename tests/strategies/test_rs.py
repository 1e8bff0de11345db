"""Pseudo-balanced draws around a strategy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tlx import ContractError, FieldFacts, Phase, Strategy
from tlx import strategy as decorate
from tlx.blocks.wrappers import wrap
from tlx.testing import Probe
from tlx_strategies.dann import DANN
from tlx_strategies.rs import RS

Y = np.array([0] * 18 + [1] * 4 + [2] * 2)


def draws(phase: Phase, state) -> dict[str, np.ndarray]:
    rows = jnp.int32(24)
    facts = {
        "source": FieldFacts(rows, jnp.asarray(Y), jnp.zeros(24, jnp.int32)),
        "target": FieldFacts(rows, None, jnp.zeros(24, jnp.int32)),
    }
    assert callable(phase.draw)
    drawn = phase.draw(state, facts, jax.random.key(0), {"source": 3000, "target": 3000})
    return {name: np.bincount(Y[np.asarray(rows)], minlength=3) / 3000 for name, rows in drawn.items()}


def test_source_by_label_target_by_pseudo_label_from_the_second_round_on():
    """The trap: pseudo-labels of a network that knows nothing, by which a few rows are drawn all the time."""
    probe = Probe(wrap((("dann", DANN), ("rs", RS)))(**{"dann.hidden": (4,)}))
    probe.begin()
    (phase,) = probe.phases
    first = draws(phase, probe.refresh(progress=0.0))
    np.testing.assert_allclose(first["source"], 1 / 3, atol=0.04)
    np.testing.assert_allclose(first["target"], np.bincount(Y) / 24, atol=0.04)
    later = probe.refresh(progress=0.5)
    np.testing.assert_array_equal(later.extra["rs.labels"], probe.predict(probe.rows["target"].x).argmax(1))
    np.testing.assert_allclose(draws(phase, later.put(**{"rs.labels": jnp.asarray(Y)}))["target"], 1 / 3, atol=0.04)


def test_the_loss_is_that_of_what_it_wraps():
    plain, wrapped = Probe(DANN(hidden=(4,))), Probe(wrap((("dann", DANN), ("rs", RS)))(**{"dann.hidden": (4,)}))
    plain.begin()
    wrapped.begin()
    assert plain.value() == wrapped.value()


@decorate
class OwnDraw(Strategy):
    """Draws by domain."""

    def phases(self, model):
        (phase,) = DANN(hidden=(4,)).phases(model)
        return (phase._replace(draw={"source": "domain"}),)


def test_it_refuses_a_program_with_draws_of_its_own():
    with pytest.raises(ContractError, match="strategy rs: phase 'train' draws its rows by a rule of its own"):
        Probe(wrap((("own", OwnDraw), ("rs", RS)))()).phases  # noqa: B018
