"""Memories of a stream, against the loops of their papers."""

import jax
import jax.numpy as jnp
import numpy as np
from scipy.special import expit

from tlx.ops import Supports, Timely, around, prototypes, reservoir, timeliness, timely_memory, with_supports


def rotta_memory(places, classes, labels, doubts):
    """The memory of RoTTA as lists of [batch row, uncertainty, age] by class."""
    held = [[] for _ in range(classes)]

    def worth(doubt, age):
        return expit(age / places) + doubt / np.log(classes)

    def drop(of, base):
        worst = max(((worth(doubt, age), c, n) for c in of for n, (_, doubt, age) in enumerate(held[c])), default=None)
        if worst is None:
            return True
        if worst[0] > base:
            held[worst[1]].pop(worst[2])
            return True
        return False

    for row, (label, doubt) in enumerate(zip(labels, doubts, strict=True)):
        sizes = [len(part) for part in held]
        if sizes[label] >= places / classes:
            taken = drop([label], worth(doubt, 0))
        elif sum(sizes) < places:
            taken = True
        else:
            taken = drop([c for c in range(classes) if sizes[c] == max(sizes)], worth(doubt, 0))
        if taken:
            held[label].append([row, doubt, 0])
        for part in held:
            for item in part:
                item[2] += 1
    return {(row, label, age) for label, part in enumerate(held) for row, _, age in part}


def test_timely_memory_is_the_loop_of_the_paper():
    """The traps: a class beyond its part of the places; an old row that stays; a step by batch and not by row."""
    random = np.random.default_rng(0)
    labels = np.sort(random.integers(0, 3, 60))  # in runs
    labels[50:] = random.integers(0, 3, 10)
    doubts = random.uniform(0, 1, 60).astype(np.float32)
    memory, rows = Timely.empty(8), np.full(8, -1)
    for first in (0, 20, 40):
        part = slice(first, first + 20)
        memory, row = timely_memory(memory, jnp.int32(labels[part]), jnp.asarray(doubts[part]), 3)
        rows = np.where(row >= 0, np.asarray(row) + first, rows)
    filled = np.asarray(memory.label) >= 0
    got = {(int(r), int(c), int(a)) for r, c, a, f in zip(rows, memory.label, memory.age, filled, strict=True) if f}
    assert got == rotta_memory(8, 3, labels, doubts) and len(got) == 8
    np.testing.assert_array_equal(np.asarray(memory.uncertainty)[filled], doubts[rows[filled]])
    np.testing.assert_allclose(timeliness(memory.age), expit(-np.asarray(memory.age) / 8), rtol=1e-5)


def test_reservoir_keeps_classes_balanced_and_rows_by_their_number():
    """The trap: a memory of the stream's last class. Of a class of 200 rows each has the same chance to be held."""
    labels = jnp.int32(np.repeat([0, 1, 2], [200, 20, 5]))

    def run(key):
        return reservoir(key, jnp.full(12, -1, jnp.int32), jnp.zeros(3, jnp.int32), labels)

    held, met, row = jax.vmap(run)(jax.random.split(jax.random.key(0), 400))
    assert met[0].tolist() == [200, 20, 5]
    assert all(np.bincount(each, minlength=3).tolist() == [4, 4, 4] for each in np.asarray(held))
    np.testing.assert_array_equal(labels[row], held)
    early = np.mean(np.asarray(row)[np.asarray(held) == 0] < 100)
    assert 0.44 < early < 0.56, "1,600 draws: 0.5 with a standard deviation of 0.0125"


def test_around_repeats_what_is_there():
    assert around(jnp.array([-1, 3, -1, 0, 1])).tolist() == [1, 3, 4, 1, 3]
    assert around(jnp.full(3, -1)).tolist() == [0, 0, 0]


def test_supports_are_the_rows_of_least_entropy_of_a_class():
    """The traps: the least of all classes together; features that are not scaled to 1; an empty place as a support."""
    random = np.random.default_rng(0)
    z, labels = random.normal(size=(30, 4)).astype(np.float32), random.integers(0, 2, 30).astype(np.int32)
    labels[labels == 1] = np.where(np.arange((labels == 1).sum()) < 2, 1, 0)  # two rows of class 1
    doubt = random.uniform(size=30).astype(np.float32)
    supports = Supports(jnp.zeros((2, 3, 4), jnp.float32), jnp.full((2, 3), jnp.inf, jnp.float32))
    for part in (slice(0, 11), slice(11, 30)):
        supports = with_supports(supports, *map(jnp.asarray, (z[part], labels[part], doubt[part])))
    unit, expected = np.float64(z) / np.linalg.norm(np.float64(z), axis=1, keepdims=True), []
    for label in (0, 1):
        own = np.flatnonzero(labels == label)
        kept = own[np.argsort(doubt[own])[:3]]
        expected.append(unit[kept].sum(0) / np.linalg.norm(unit[kept].sum(0)))
    np.testing.assert_allclose(prototypes(supports), np.stack(expected, 1), rtol=1e-4, atol=1e-6)
