import jax
import jax.numpy as jnp
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from tlx.engine.sampler import permute, rows

KEY = jax.random.key(0)
INDEX = jnp.arange(700)
permuted = jax.jit(lambda n, epoch: permute(KEY, INDEX % n, jnp.full(700, epoch), n))
drawn_rows = jax.jit(lambda n: rows(KEY, jnp.arange(70), n, 10))


@settings(max_examples=30, deadline=None)
@given(n=st.integers(1, 700), epoch=st.integers(0, 1000))
def test_an_epoch_holds_every_row_once(n, epoch):
    got = permuted(jnp.int32(n), jnp.int32(epoch))[:n]
    assert sorted(got.tolist()) == list(range(n))


@settings(max_examples=30, deadline=None)
@given(n=st.integers(1, 350))
def test_consecutive_steps_go_through_epochs(n):
    drawn = drawn_rows(jnp.int32(n)).reshape(-1)
    epochs = len(drawn) // n
    assert (np.bincount(drawn[: n * epochs], minlength=n) == epochs).all()


def test_orders_differ_by_epoch_and_key_and_repeat_for_the_same():
    def order(key, epoch):
        return permute(key, jnp.arange(100), jnp.full(100, epoch), jnp.int32(100)).tolist()

    assert order(KEY, 0) == order(KEY, 0)
    assert len({tuple(order(KEY, e)) for e in range(5)} | {tuple(order(jax.random.key(1), 0))}) == 6


def test_a_step_alone_is_the_step_among_others():
    together = rows(KEY, jnp.arange(6), jnp.int32(37), 8)
    for step in range(6):
        np.testing.assert_array_equal(rows(KEY, jnp.int32(step), jnp.int32(37), 8), together[step])


def test_the_length_may_be_traced():
    draw = jax.jit(lambda n: rows(KEY, jnp.arange(4), n, 8))
    for n in (5, 32, 4000):
        np.testing.assert_array_equal(draw(jnp.int32(n)), rows(KEY, jnp.arange(4), jnp.int32(n), 8))


def test_every_row_comes_first_equally_often():
    """Over 4,000 epochs of 20 rows the place of row 0 is uniform: chi-square, p above 1e-4 for this fixed key."""
    index, epoch = jnp.meshgrid(jnp.arange(20), jnp.arange(4000), indexing="xy")
    places = permute(KEY, index.reshape(-1), epoch.reshape(-1), jnp.int32(20)).reshape(4000, 20)
    for column in (0, 7, 19):
        assert chisquare(np.bincount(places[:, column], minlength=20)).pvalue > 1e-4
