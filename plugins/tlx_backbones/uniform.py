"""Layers that start as PyTorch's do: kernels and biases uniform in +-1/sqrt(fan in)."""

import dataclasses
from typing import Any

import jax
from flax import nnx

UNIFORM = nnx.initializers.variance_scaling(1 / 3, "fan_in", "uniform")


@dataclasses.dataclass(frozen=True)
class _Bias:
    """Uniform in +-bound. Two of one bound are equal, and so are the networks that hold them."""

    bound: float

    def __call__(self, key: jax.Array, shape: tuple[int, ...], dtype: Any = None) -> jax.Array:
        return nnx.initializers.uniform(2 * self.bound)(key, shape, dtype) - self.bound


def conv(fan_in: int, out: int, rngs: nnx.Rngs, **options) -> nnx.Conv:
    """A 5x5 convolution."""
    bias = _Bias((25 * fan_in) ** -0.5)
    return nnx.Conv(fan_in, out, (5, 5), kernel_init=UNIFORM, bias_init=bias, rngs=rngs, **options)


def linear(fan_in: int, out: int, rngs: nnx.Rngs) -> nnx.Linear:
    """A dense layer."""
    return nnx.Linear(fan_in, out, kernel_init=UNIFORM, bias_init=_Bias(fan_in**-0.5), rngs=rngs)
