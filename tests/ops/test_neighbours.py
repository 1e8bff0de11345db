"""Neighbours in a bank against scikit-learn's."""

import jax
import numpy as np
from sklearn.neighbors import NearestNeighbors

from tlx import ops

neighbours = jax.jit(ops.neighbour_probabilities, static_argnums=4)
sharpened = jax.jit(ops.sharpened)
RANDOM = np.random.default_rng(0)
BANK = RANDOM.normal(size=(12, 3))
BANK /= np.linalg.norm(BANK, axis=1, keepdims=True)
P = RANDOM.dirichlet(np.ones(4), 12)


def test_are_sklearns_without_the_row_itself():
    """The trap: a row that is its own nearest neighbour, and so confirms what it said before."""
    index = np.array([3, 0, 7])
    found = neighbours(BANK[index], index, BANK, P, 4)
    nearest = NearestNeighbors(n_neighbors=5, metric="cosine").fit(BANK).kneighbors(BANK[index], return_distance=False)
    assert (nearest[:, 0] == index).all()
    np.testing.assert_allclose(found, P[nearest[:, 1:]].mean(1))


def test_the_own_entry_is_left_out_by_place_not_by_nearness():
    index = np.array([5])
    found = neighbours(BANK[[2]], index, BANK, P, 1)
    np.testing.assert_allclose(found, P[[2]], err_msg="entry 2 is not its own here")


def test_sharpening_gives_every_class_the_same_mass():
    q = np.asarray(sharpened(P))
    np.testing.assert_allclose(q.sum(0), 1)
    np.testing.assert_allclose(q, P**2 / np.sum(P**2, axis=0))
    assert np.isfinite(np.asarray(sharpened(np.zeros((2, 3))))).all()
