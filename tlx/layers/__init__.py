"""Layers for backbone authors that avoid the slow paths of XLA: drop-in, with the arguments of `jax.lax` and `flax.nnx`."""

from tlx.layers.bottleneck import Bottleneck
from tlx.layers.conv import conv_general_dilated
from tlx.layers.pool import max_pool

__all__ = ["Bottleneck", "conv_general_dilated", "max_pool"]
