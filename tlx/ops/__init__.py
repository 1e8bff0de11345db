"""The field's mathematics as pure functions, shared by the strategies."""

from tlx.ops.adversarial import domain_accuracy, domain_loss
from tlx.ops.anchoring import restored, weighted_distance
from tlx.ops.classification import (
    class_balance,
    classifier_discrepancy,
    cross_entropies,
    cross_entropy,
    entropies,
    information_maximisation,
    kl_consistency,
    marginal_entropy,
    soft_cross_entropies,
    squared_consistency,
)
from tlx.ops.conditioning import multilinear_map, random_maps, random_multilinear_map
from tlx.ops.confusion import class_confusion
from tlx.ops.coral import coral
from tlx.ops.domains import both_domains
from tlx.ops.ema import ema
from tlx.ops.jmmd import jmmd_linear, jmmd_quadratic
from tlx.ops.kl import full_gaussian_kl, gaussian_kl, log_mixture, log_normal, mixture_kl
from tlx.ops.laplacian import laplacian_adjusted, neighbour_affinity
from tlx.ops.mlp import mlp_apply, mlp_init
from tlx.ops.mmd import gaussian_kernels, mmd_linear, mmd_quadratic, squared_distances
from tlx.ops.moments import covariance, mean_and_variance, mean_distance
from tlx.ops.pseudo_labels import centroid_labels
from tlx.ops.reliability import reliable_weights
from tlx.ops.reversal import reverse_gradient
from tlx.ops.schedules import dann_ramp, linear_ramp, sigmoid_ramp
from tlx.ops.spectrum import nuclear_norm, spectral_penalty

__all__ = [
    "both_domains",
    "centroid_labels",
    "class_balance",
    "class_confusion",
    "classifier_discrepancy",
    "coral",
    "covariance",
    "cross_entropies",
    "cross_entropy",
    "dann_ramp",
    "domain_accuracy",
    "domain_loss",
    "ema",
    "entropies",
    "full_gaussian_kl",
    "gaussian_kernels",
    "gaussian_kl",
    "information_maximisation",
    "jmmd_linear",
    "jmmd_quadratic",
    "kl_consistency",
    "laplacian_adjusted",
    "linear_ramp",
    "log_mixture",
    "log_normal",
    "marginal_entropy",
    "mean_and_variance",
    "mean_distance",
    "mixture_kl",
    "mlp_apply",
    "mlp_init",
    "mmd_linear",
    "mmd_quadratic",
    "multilinear_map",
    "neighbour_affinity",
    "nuclear_norm",
    "random_maps",
    "random_multilinear_map",
    "reliable_weights",
    "restored",
    "reverse_gradient",
    "sigmoid_ramp",
    "soft_cross_entropies",
    "spectral_penalty",
    "squared_consistency",
    "squared_distances",
    "weighted_distance",
]
