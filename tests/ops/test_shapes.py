"""Every function of `tlx.ops` says its shapes, which the import hook checks in every test; wrong ones are refused."""

import inspect
import typing

import jax
import jax.numpy as jnp
import pytest
from jaxtyping import AbstractArray, TypeCheckError

from tlx import ops

S, T = jnp.ones((4, 3)), jnp.ones((5, 3))
LABELS, ROW, MATRIX = jnp.zeros(4, int), jnp.ones(3), jnp.eye(3)

BAD = {
    "align_distribution": (S, jnp.ones((5, 2))),
    "central_moment_discrepancy": (S, jnp.ones((5, 2))),
    "cosine_logits": (S, S),
    "laplacian_adjusted": (S, MATRIX),
    "margin_disparity": (S, T, T, T),
    "moment_distance": (S, T, jnp.ones((7, 2))),
    "neighbour_probabilities": (S, LABELS, jnp.ones((9, 3)), jnp.ones((8, 2)), 5),
    "reliable_weights": (S, LABELS),
    "sliced_wasserstein": (S, T, jnp.ones((3, 6))),
    "soft_cross_entropies": (S, T),
    "jmmd_quadratic": (S, T, S, S),
    "mean_distance": (S, jnp.ones((5, 2))),
    "multilinear_map": (S, T),
    "random_multilinear_map": (S, jnp.ones((4, 2)), jnp.ones((3, 6)), jnp.ones((2, 5))),
    "centroid_labels": (S, jnp.ones((5, 2))),
    "classifier_discrepancy": (S, jnp.ones((4, 2))),
    "coral": (S, jnp.ones((5, 2))),
    "cross_entropy": (S, jnp.ones(4)),
    "domain_loss": (S, jnp.ones(5)),
    "full_gaussian_kl": (ROW, MATRIX, ROW, ROW),
    "gaussian_kl": (ROW, ROW, ROW, jnp.ones(2)),
    "mixture_kl": (S, S, S, T, S),
    "mmd_quadratic": (S, jnp.ones((5, 2))),
    "squared_distances": (ROW, ROW),
}
WITHOUT_SHAPES = {"ema", "lora_init", "lora_merge", "restored", "rlls_strength"}  # trees of any shape


def has_shape(hint) -> bool:
    if inspect.isclass(hint) and issubclass(hint, AbstractArray):
        return hint.dim_str != "..."
    return any(map(has_shape, typing.get_args(hint)))


@pytest.mark.parametrize("name", ops.__all__)
def test_every_function_says_its_shapes_and_what_it_is(name):
    function = getattr(ops, name)
    hints = list(typing.get_type_hints(function).values())
    assert function.__doc__ and (name in WITHOUT_SHAPES or any(map(has_shape, hints)))


@pytest.mark.parametrize("name", BAD)
def test_wrong_shapes_are_refused(name):
    with pytest.raises(TypeCheckError):
        jax.eval_shape(lambda: getattr(ops, name)(*BAD[name]))
