"""The field's mathematics as pure functions, shared by the strategies."""

from tlx.ops.adversarial import confusion_loss, domain_accuracy, domain_loss
from tlx.ops.anchoring import restored, weighted_distance
from tlx.ops.central_moments import central_moment_discrepancy
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
    uniform_cross_entropy,
)
from tlx.ops.conditioning import multilinear_map, random_maps, random_multilinear_map
from tlx.ops.confusion import class_confusion
from tlx.ops.coral import coral
from tlx.ops.ema import ema
from tlx.ops.higher_moments import moment_distance
from tlx.ops.jmmd import jmmd_linear, jmmd_quadratic
from tlx.ops.kl import full_gaussian_kl, gaussian_kl, log_mixture, log_normal, mixture_kl
from tlx.ops.laplacian import laplacian_adjusted, neighbour_affinity
from tlx.ops.linear import choose_linear, fit_linear, linear_logits
from tlx.ops.lora import lora_init, lora_merge
from tlx.ops.margin import margin_disparity
from tlx.ops.mlp import mlp_apply, mlp_init
from tlx.ops.mmd import gaussian_kernels, mmd_linear, mmd_quadratic, squared_distances
from tlx.ops.moments import covariance, mean_and_variance, mean_distance
from tlx.ops.neighbours import neighbour_probabilities, sharpened
from tlx.ops.norms import hard_norm, row_norms, stepwise_norm
from tlx.ops.pseudo_labels import align_distribution, centroid_labels
from tlx.ops.reliability import reliable_weights
from tlx.ops.reversal import reverse_gradient
from tlx.ops.schedules import cosine_warmup, dann_ramp, linear_ramp, sigmoid_ramp
from tlx.ops.spectrum import nuclear_norm, spectral_penalty, spectral_shrinkage
from tlx.ops.transport import sinkhorn
from tlx.ops.vat import adversarial_direction, virtual_adversarial_loss
from tlx.ops.wasserstein import gradient_penalty, random_directions, sliced_wasserstein

__all__ = [
    "adversarial_direction",
    "align_distribution",
    "central_moment_discrepancy",
    "centroid_labels",
    "choose_linear",
    "class_balance",
    "class_confusion",
    "classifier_discrepancy",
    "confusion_loss",
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
    "fit_linear",
    "full_gaussian_kl",
    "gaussian_kernels",
    "gaussian_kl",
    "gradient_penalty",
    "hard_norm",
    "information_maximisation",
    "jmmd_linear",
    "jmmd_quadratic",
    "kl_consistency",
    "laplacian_adjusted",
    "linear_logits",
    "linear_ramp",
    "log_mixture",
    "log_normal",
    "lora_init",
    "lora_merge",
    "margin_disparity",
    "marginal_entropy",
    "mean_and_variance",
    "mean_distance",
    "mixture_kl",
    "mlp_apply",
    "mlp_init",
    "mmd_linear",
    "mmd_quadratic",
    "moment_distance",
    "multilinear_map",
    "neighbour_affinity",
    "neighbour_probabilities",
    "nuclear_norm",
    "random_directions",
    "random_maps",
    "random_multilinear_map",
    "reliable_weights",
    "removal_losses",
    "restored",
    "reverse_gradient",
    "row_norms",
    "sharpened",
    "sigmoid_ramp",
    "sinkhorn",
    "sliced_wasserstein",
    "soft_cross_entropies",
    "spectral_penalty",
    "spectral_shrinkage",
    "squared_consistency",
    "squared_distances",
    "stepwise_norm",
    "uniform_cross_entropy",
    "virtual_adversarial_loss",
    "weighted_distance",
]
