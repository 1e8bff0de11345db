"""A net from random weights."""

import jax
import jax.numpy as jnp
from states import moved, same

from tlx.testing import Probe
from tlx_strategies.from_scratch import FromScratch


def test_draws_all_anew_whatever_is_given():
    """The traps: weights that are given and kept; statistics that are kept; two seeds that begin alike."""
    probe = Probe(FromScratch())
    given = jax.tree.map(lambda leaf: leaf + 1.0, probe.begin())
    begun = probe.begin(0, given)
    assert moved(given, begun) == {"features", "head"}
    assert same(begun.stats["features"].values["bn"]["mean"], jnp.zeros(16))
    other = Probe(FromScratch(), seed=1).begin(0, given)
    assert not same(begun.params["features"]["fc"]["kernel"], other.params["features"]["fc"]["kernel"])
    assert FromScratch.setting == "bound" and probe.phases[0].sees == {"labelled"}
