"""Parts begun anew."""

import jax
import numpy as np
import pytest
from states import moved_layers, same

from tlx import SettingError, Strategy, strategy
from tlx.blocks import with_fresh
from tlx.testing import Probe


@strategy
class Nothing(Strategy):
    """A strategy of which only the model is used."""


def test_draws_anew_what_a_glob_fits_and_its_statistics():
    """The traps: statistics that stay behind; an extra that is lost; one key for two networks."""
    model = Probe(Nothing()).model
    state = model.init(jax.random.key(0)).put(bank=1)
    state = jax.tree.map(lambda leaf: leaf + 1, state)
    for globs, layers in (
        (("features/bn/*",), {"bn"}),
        (("head/kernel",), {"head"}),
        (("*",), {"fc", "bn", "head"}),
        ((), set()),
    ):
        fresh = with_fresh(model, state, jax.random.key(1), globs)
        assert moved_layers(state, fresh) == layers and fresh.extra == state.extra
        assert same(fresh.stats["features"].values["bn"]["mean"], np.full(16, 0.0 if "bn" in layers else 1.0))
        assert jax.tree.structure(fresh) == jax.tree.structure(state)
    head = with_fresh(model, state, jax.random.key(1), ("head/kernel",)).params["head"]
    assert same(head["bias"], state.params["head"]["bias"])


def test_says_that_a_glob_fits_nothing():
    model = Probe(Nothing()).model
    with pytest.raises(SettingError, match=r"'features/conv\*' fits no parameter .* features/bn/bias, .*head/kernel"):
        with_fresh(model, model.init(jax.random.key(0)), jax.random.key(1), ("head/*", "features/conv*"))
