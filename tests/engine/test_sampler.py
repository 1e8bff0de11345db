from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from tlx import ContractError
from tlx.engine.sampler import draw, permute, rows
from tlx.engine.tables import Groups

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


class Grouped(NamedTuple):
    """What `draw` reads of a table."""

    n: jax.Array
    groups: dict[str, Groups]


def grouped(by: np.ndarray, kind: str) -> Grouped:
    _, starts, counts = np.unique(np.sort(by), return_index=True, return_counts=True)
    order = np.argsort(by, kind="stable")
    groups = Groups(*(jnp.asarray(part, jnp.int32) for part in (order, starts, counts)))
    return Grouped(jnp.int32(len(by)), {kind: groups})


def test_equal_blocks_of_domains_come_in_order_and_each_by_epoch():
    domain = np.random.default_rng(0).permutation(np.repeat([0, 1, 4], [5, 9, 14]))
    drawn = np.asarray(draw("domain", KEY, jnp.arange(28), grouped(domain, "domain"), 6))
    assert drawn.shape == (28, 6)
    np.testing.assert_array_equal(domain[drawn], np.broadcast_to([0, 0, 1, 1, 4, 4], (28, 6)))
    for place, (number, count) in enumerate(((0, 5), (1, 9), (4, 14))):
        block = drawn[:, 2 * place : 2 * place + 2].reshape(-1)
        epochs = len(block) // count
        assert (np.bincount(block[: epochs * count], minlength=28)[domain == number] == epochs).all()


def test_a_batch_that_does_not_divide_into_domains_is_refused():
    table = grouped(np.arange(9) % 3, "domain")
    with pytest.raises(ContractError, match="a batch of 8 rows does not divide into equal blocks of 3 domains"):
        draw("domain", KEY, jnp.arange(2), table, 8)


def test_drawn_by_class_all_classes_come_equally_often_and_so_do_their_rows():
    """Of classes with 2, 5 and 40 rows: chi-square, p above 1e-4 for this fixed key."""
    labels = np.random.default_rng(1).permutation(np.repeat([0, 1, 2], [2, 5, 40]))
    drawn = np.asarray(draw("class", KEY, jnp.arange(2000), grouped(labels, "class"), 8)).reshape(-1)
    assert chisquare(np.bincount(labels[drawn], minlength=3)).pvalue > 1e-4
    for number in range(3):
        counts = np.bincount(drawn, minlength=len(labels))[labels == number]
        assert counts.min() > 0 and chisquare(counts).pvalue > 1e-4


def test_draws_by_class_differ_from_step_to_step_and_repeat_for_the_same():
    table = grouped(np.arange(40) % 4, "class")
    some = np.asarray(draw("class", KEY, jnp.arange(5), table, 8))
    assert len({tuple(row) for row in some.tolist()}) == 5
    np.testing.assert_array_equal(draw("class", KEY, jnp.array([3]), table, 8)[0], some[3])


def test_by_epoch_is_rows():
    table = grouped(np.arange(40) % 4, "class")
    drawn = draw("epoch", KEY, jnp.arange(5), table, 8)
    np.testing.assert_array_equal(drawn, rows(KEY, jnp.arange(5), table.n, 8))
