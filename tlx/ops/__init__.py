"""The field's mathematics as pure functions, shared by the strategies."""

from tlx.ops.adversarial import domain_accuracy, domain_loss
from tlx.ops.anchoring import restored, weighted_distance
from tlx.ops.classification import (
    class_balance,
    classifier_discrepancy,
    cosine_logits,
    cross_entropies,
    cross_entropy,
    entropies,
    information_maximisation,
    kl_consistency,
    marginal_entropy,
    removal_losses,
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
from tlx.ops.lora import lora_init, lora_merge
from tlx.ops.mlp import mlp_apply, mlp_init
from tlx.ops.mmd import gaussian_kernels, mmd_linear, mmd_quadratic, squared_distances
from tlx.ops.moments import covariance, mean_and_variance, mean_distance
from tlx.ops.pseudo_labels import align_distribution, centroid_labels
from tlx.ops.reliability import reliable_weights
from tlx.ops.reversal import reverse_gradient
from tlx.ops.schedules import cosine_warmup, dann_ramp, linear_ramp, sigmoid_ramp
from tlx.ops.spectrum import nuclear_norm, spectral_penalty, spectral_shrinkage
from tlx.ops.vat import adversarial_direction, virtual_adversarial_loss

__all__ = [
    "adversarial_direction",
    "align_distribution",
    "both_domains",
    "centroid_labels",
    "class_balance",
    "class_confusion",
    "classifier_discrepancy",
    "coral",
    "cosine_logits",
    "cosine_warmup",
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
    "lora_init",
    "lora_merge",
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
    "removal_losses",
    "restored",
    "reverse_gradient",
    "sigmoid_ramp",
    "soft_cross_entropies",
    "spectral_penalty",
    "spectral_shrinkage",
    "squared_consistency",
    "squared_distances",
    "virtual_adversarial_loss",
    "weighted_distance",
]
