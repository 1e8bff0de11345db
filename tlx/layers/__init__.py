"""Layers for backbone authors: those that avoid the slow paths of XLA, and those of the field that flax lacks."""

from tlx.layers.batch_norm import BlendedBatchNorm
from tlx.layers.bottleneck import Bottleneck
from tlx.layers.conv import conv_general_dilated
from tlx.layers.noise import GaussianNoise
from tlx.layers.pool import max_pool
from tlx.layers.weight_norm import WeightNormLinear

__all__ = [
    "BlendedBatchNorm",
    "Bottleneck",
    "GaussianNoise",
    "WeightNormLinear",
    "conv_general_dilated",
    "max_pool",
]
