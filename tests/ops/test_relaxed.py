"""Shares of the source, histories, and the distance of supports."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jax.test_util import check_grads
from scipy.spatial.distance import cdist

from tlx.ops import History, lowest_share, support_distance


@pytest.mark.parametrize(("n", "beta"), [(1, 4.0), (3, 4.0), (10, 0.0), (10, 1.0), (10, 0.5), (10, 4.0), (32, 4.0)])
def test_the_share_is_of_the_least(n, beta):
    """The traps: the rows that look most like the source; no row at all of a small batch."""
    values = np.random.default_rng(n).normal(size=n)
    chosen = np.asarray(lowest_share(jnp.asarray(values), beta))
    count = max(int(n / (1 + beta)), 1)
    np.testing.assert_array_equal(np.flatnonzero(chosen), np.sort(np.argsort(values)[:count]))
    assert set(chosen) <= {0.0, 1.0}


def by_hand(s, t, squared):
    gaps = cdist(s[:, None], t[:, None], "sqeuclidean" if squared else "cityblock")
    return gaps.min(1).mean() + gaps.min(0).mean()


distances = {squared: jax.jit(functools.partial(support_distance, squared=squared)) for squared in (False, True)}


@given(held=st.tuples(*[st.integers(0, 5)] * 2), squared=st.booleans(), seed=st.integers(0, 99))
def test_support_distance(held, squared, seed):
    """Beside scipy's distances of what is there. The trap: an empty place of a history as a value of 0."""
    random = np.random.default_rng(seed)
    every = [random.normal(3, 1, count + 5) for count in (4, 7)]
    there = [
        np.r_[np.arange(5) >= 5 - count, np.ones(len(own) - 5, bool)] for count, own in zip(held, every, strict=True)
    ]
    pair = [History(jnp.asarray(own), jnp.asarray(mark)) for own, mark in zip(every, there, strict=True)]
    kept = [own[mark] for own, mark in zip(every, there, strict=True)]
    expected = by_hand(kept[0], kept[1], squared)
    assert float(distances[squared](*pair)) == pytest.approx(expected, rel=1e-6)


def test_only_new_values_have_a_gradient():
    """By finite differences and by hand: a value is drawn to its nearest, and by those to which it is nearest."""
    history = History.empty(2).after(jnp.asarray([0.0]))
    new, other = jnp.asarray([2.0, 2.5]), History.empty(0).joined(jnp.asarray([1.1, 4.0]))

    def distance(new, squared=False):
        return distances[squared](history.joined(jnp.asarray(new)), other)

    # of the three values 0 and 2 are nearest to 1.1, and 2.5 too; 1.1 is nearest to 2, and 4 to 2.5
    np.testing.assert_allclose(jax.grad(distance)(new), [1 / 3 + 1 / 2, 1 / 3 - 1 / 2], rtol=1e-6)
    check_grads(functools.partial(distance, squared=True), (new,), 1, ["rev"])
    old = jax.grad(lambda value: support_distance(history._replace(value=value).joined(new), other))(history.value)
    assert np.any(old), "joined values have one where the history is given as it is; `after` holds none"
    kept = jax.grad(lambda new: jnp.sum(history.after(new).value))(new)
    np.testing.assert_array_equal(kept, 0)


def test_supports_that_are_one_are_at_zero_however_often():
    s, t = ([1.0] * 9 + [2.0], [1.0] + [2.0] * 9)
    joined = [History.empty(0).joined(jnp.asarray(values)) for values in (s, t)]
    assert float(distances[False](*joined)) == 0


@pytest.mark.parametrize("count", [1, 3, 4, 9])
def test_a_history_keeps_the_last(count):
    history, seen = History.empty(4), []
    for batch in range(3):
        new = np.arange(count) + 10.0 * batch
        history, seen = history.after(jnp.asarray(new)), [*seen, *new]
        held = np.asarray(history.value)[np.asarray(history.there)]
        np.testing.assert_array_equal(held, seen[-4:])
