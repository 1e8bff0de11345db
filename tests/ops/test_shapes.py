"""The shapes in the signatures of `tlx.ops` hold: right ones pass, wrong ones are refused (beartype)."""

import jax
import jax.numpy as jnp
import pytest
from beartype import beartype
from jaxtyping import TypeCheckError, jaxtyped

from tlx import ops

S, T, P = jnp.ones((4, 3)), jnp.ones((5, 3)), jnp.ones(())
LABELS, ROW, MATRIX = jnp.zeros(4, int), jnp.ones(3), jnp.eye(3)

GOOD = {
    "adversarial_direction": (lambda x: x, S, jax.random.key(0)),
    "align_distribution": (S, T),
    "central_moment_discrepancy": (S, T),
    "choose_linear": (jax.random.key(0), S, LABELS, 2, (0.1,)),
    "class_balance": (S,),
    "confusion_loss": (jnp.ones(4),),
    "cosine_logits": (S, jnp.ones((3, 2))),
    "cosine_warmup": (P,),
    "fit_linear": (jax.random.key(0), S, LABELS, 2, 0.1),
    "gradient_penalty": (lambda x: x.sum(1), S),
    "hard_norm": (S,),
    "laplacian_adjusted": (S, jnp.ones((4, 4))),
    "linear_logits": ({"kernel": jnp.ones((3, 2)), "bias": jnp.ones(2)}, S),
    "lora_init": (jax.random.key(0), {"kernel": S}, 2),
    "margin_disparity": (S, S, T, T),
    "moment_distance": (S, T, jnp.zeros((7, 2), int)),
    "neighbour_affinity": (S, 2),
    "neighbour_probabilities": (S, LABELS, jnp.ones((9, 3)), jnp.ones((9, 2)), 5),
    "random_directions": (jax.random.key(0), 3, 6),
    "reliable_weights": (S, ROW),
    "removal_losses": (lambda z: z, S, LABELS),
    "restored": (jax.random.key(0), [S], [S], 0.5),
    "row_norms": (S,),
    "sharpened": (S,),
    "sinkhorn": (S,),
    "sliced_wasserstein": (S, S, jnp.ones((3, 6))),
    "soft_cross_entropies": (S, S),
    "spectral_shrinkage": (S,),
    "stepwise_norm": (S,),
    "uniform_cross_entropy": (S,),
    "virtual_adversarial_loss": (lambda x: x, S, jax.random.key(0), 1.0),
    "weighted_distance": ([S], [S]),
    "class_confusion": (S,),
    "jmmd_linear": (S, S, S, S),
    "jmmd_quadratic": (S, T, S, T),
    "mean_distance": (S, T),
    "multilinear_map": (S, jnp.ones((4, 2))),
    "nuclear_norm": (S,),
    "random_maps": (jax.random.key(0), 3, 2, 6),
    "random_multilinear_map": (S, jnp.ones((4, 2)), jnp.ones((3, 6)), jnp.ones((2, 6))),
    "spectral_penalty": (S,),
    "centroid_labels": (S, jnp.ones((4, 2))),
    "classifier_discrepancy": (S, S),
    "coral": (S, T),
    "covariance": (S,),
    "cross_entropies": (S, LABELS),
    "cross_entropy": (S, LABELS),
    "dann_ramp": (P,),
    "domain_accuracy": (jnp.ones(4), jnp.ones(5)),
    "domain_loss": (jnp.ones(4), jnp.ones(5)),
    "entropies": (S,),
    "full_gaussian_kl": (ROW, MATRIX, ROW, MATRIX),
    "gaussian_kernels": (S, P),
    "gaussian_kl": (ROW, ROW, ROW, ROW),
    "information_maximisation": (S,),
    "kl_consistency": (S, S),
    "linear_ramp": (P,),
    "log_mixture": (S, T, T),
    "log_normal": (S, S, S),
    "marginal_entropy": (S,),
    "mean_and_variance": (S,),
    "mixture_kl": (S, S, S, T, T),
    "mlp_apply": (ops.mlp_init(jax.random.key(0), (3, 2)), S),
    "mlp_init": (jax.random.key(0), (3, 2)),
    "mmd_linear": (S, S),
    "mmd_quadratic": (S, T),
    "sigmoid_ramp": (P,),
    "squared_consistency": (S, S),
    "squared_distances": (S, T),
}
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
# trees of any shape; a model; a custom_vjp object, which cannot be wrapped
WITHOUT_SHAPES = {"ema", "lora_merge", "reverse_gradient"}


def checked(name: str):
    function = jaxtyped(getattr(ops, name), typechecker=beartype)
    return lambda *args: jax.eval_shape(lambda: function(*args))


def test_every_function_is_here():
    assert GOOD.keys() | WITHOUT_SHAPES == set(ops.__all__)
    assert all(getattr(ops, name).__doc__ for name in ops.__all__)


@pytest.mark.parametrize("name", GOOD)
def test_right_shapes_pass(name):
    checked(name)(*GOOD[name])


@pytest.mark.parametrize("name", BAD)
def test_wrong_shapes_are_refused(name):
    with pytest.raises(TypeCheckError):
        checked(name)(*BAD[name])
