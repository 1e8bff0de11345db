"""Layers for backbone authors that avoid the slow paths of XLA, with the arguments of those that they replace."""

from tlx.layers.batch_norm import BlendedBatchNorm
from tlx.layers.bottleneck import Bottleneck
from tlx.layers.conv import conv_general_dilated
from tlx.layers.pool import max_pool

__all__ = ["BlendedBatchNorm", "Bottleneck", "conv_general_dilated", "max_pool"]
