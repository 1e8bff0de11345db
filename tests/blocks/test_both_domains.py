"""One forward pass for both domains, two, or one with each domain's own batch norm."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from states import same

from tlx import Strategy, strategy
from tlx.blocks import as_source, both_domains, with_source_norm
from tlx.testing import Probe


@strategy
class Nothing(Strategy):
    """A strategy of which only the model is used."""


class Centred(nnx.Module):
    """The rows less the mean of the batch, which it remembers and counts."""

    def __init__(self, shape, rngs):
        self.width = 64
        self.mean, self.calls = nnx.BatchStat(jnp.zeros(())), nnx.BatchStat(jnp.zeros(()))

    def __call__(self, x):
        self.mean[...], self.calls[...] = x.mean(), self.calls[...] + 1
        return x.reshape(len(x), -1) - x.mean()


def test_batch_statistics_are_joint():
    """The trap: two passes normalise each domain by itself, which hides the shift and changes every result."""
    probe = Probe(Nothing(), Centred)
    batch = probe.batch
    source = batch.source._replace(x=jnp.full((3, 8, 8, 1), 1.0), index=jnp.arange(3))
    batch = batch._replace(source=source, target=batch.target._replace(x=jnp.full((5, 8, 8, 1), 9.0)))
    on_source, on_target, state = both_domains(probe.model, probe.model.init(jax.random.key(0)), batch)
    assert on_source.shape == (3, 64) and on_target.shape == (5, 64)
    mean = (3 * 1 + 5 * 9) / 8
    np.testing.assert_allclose(on_source, 1 - mean)
    np.testing.assert_allclose(on_target, 9 - mean)
    carried = state.stats["features"].values
    assert carried["mean"] == mean and carried["calls"] == 1


def test_rows_may_be_a_tree():
    probe = Probe(Nothing())
    batch = jax.tree.map(lambda leaf: leaf, probe.batch)
    tree = batch._replace(
        source=batch.source._replace(x={"a": batch.source.x}), target=batch.target._replace(x={"a": batch.target.x})
    )

    class Inner:
        def features(self, state, x):
            return probe.model.features(state, x["a"])

    state = probe.model.init(jax.random.key(0))
    for norm in ("joint", "separate"):
        plain, inner = both_domains(probe.model, state, batch, norm), both_domains(Inner(), state, tree, norm)  # pyright: ignore
        assert same(plain, inner)


class Layers(nnx.Module):
    """Two kinds of normalisation, one of which has statistics."""

    def __init__(self, shape, rngs):
        self.width = 16
        self.fc, self.first = nnx.Linear(64, 16, rngs=rngs), nnx.LayerNorm(16, rngs=rngs)
        self.second = nnx.BatchNorm(16, rngs=rngs)

    def __call__(self, x):
        return self.second(self.first(self.fc(x.reshape(len(x), -1))))


def test_the_source_owns_what_has_running_statistics():
    """The traps: layers found by name; a scale that both domains share; a copy that the phase cannot train."""
    probe = Probe(Nothing(), Layers)
    state = with_source_norm(probe.model.init(jax.random.key(0)))
    assert set(state.params["source_norm"]) == {"second/scale", "second/bias"}
    assert with_source_norm(state, "joint") is state
    own = {name: leaf + 1 for name, leaf in state.params["source_norm"].items()}
    swapped = as_source(state.put_params(source_norm=own))
    assert same(swapped.params["features"]["second"]["scale"], np.full(16, 2.0))
    assert same(swapped.params["features"]["first"], state.params["features"]["first"])


@pytest.mark.parametrize("name", ["features", "head"])
def test_without_batch_norm_each_domain_goes_by_itself(name):
    class Plain(nnx.Module):
        def __init__(self, shape, rngs):
            self.width, self.fc = 4, nnx.Linear(64, 4, rngs=rngs)

        def __call__(self, x):
            return self.fc(x.reshape(len(x), -1))

    probe = Probe(Nothing(), Plain)
    state = probe.model.init(jax.random.key(0))
    begun = with_source_norm(state)
    assert set(begun.params) == {"features", "head"}
    plain, own = (both_domains(probe.model, begun, probe.batch, norm) for norm in ("separate", "domain"))  # pyright: ignore
    assert same(plain[:2], own[:2]) and same(own[2].params[name], state.params[name])
