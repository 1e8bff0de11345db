"""Layers for authors of backbones and strategies: fast paths around XLA's slow ones, and those that flax lacks."""

from tlx.layers.batch_norm import BlendedBatchNorm
from tlx.layers.bottleneck import Bottleneck
from tlx.layers.conv import conv_general_dilated
from tlx.layers.mlp import MLP
from tlx.layers.noise import GaussianNoise
from tlx.layers.pool import max_pool
from tlx.layers.weight_norm import WeightNormLinear

__all__ = [
    "MLP",
    "BlendedBatchNorm",
    "Bottleneck",
    "GaussianNoise",
    "WeightNormLinear",
    "conv_general_dilated",
    "max_pool",
]
