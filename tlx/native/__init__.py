"""Convolution and pooling on the CPU by kernels of tlx's own, through XLA's foreign function interface.

All are float32, NHWC, and have reverse-mode derivatives of any order. `available()` says whether they can be used;
`status()` says why not. The choice of instruction set is the environment variable TLX_NATIVE's, else the best one's.
Importing this imports no JAX and loads no library.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from tlx.native.library import Status, available, for_cpu, is_portable, portable, status

if TYPE_CHECKING:
    from tlx.native.channelwise import depthwise as depthwise
    from tlx.native.convolution import conv as conv
    from tlx.native.fused import conv_pool as conv_pool
    from tlx.native.pooling import max_pool as max_pool

__all__ = [
    "Status", "available", "conv", "conv_pool", "depthwise", "for_cpu", "is_portable", "max_pool", "portable", "status"
]  # fmt: skip
# No module has the name of a function: importing it would put the module in the function's place.
HOMES = {"conv": "convolution", "conv_pool": "fused", "depthwise": "channelwise", "max_pool": "pooling"}


def __getattr__(name: str) -> Any:
    if name not in HOMES:
        raise AttributeError(f"module 'tlx.native' has no attribute '{name}'")
    found = getattr(import_module(f"tlx.native.{HOMES[name]}"), name)
    globals()[name] = found
    return found
