"""Layers that start as PyTorch's do: kernels and biases uniform in +-1/sqrt(fan in)."""

from flax import nnx

UNIFORM = nnx.initializers.variance_scaling(1 / 3, "fan_in", "uniform")


def _bias(fan_in: int):
    bound = fan_in**-0.5

    def initial(key, shape, dtype):
        return nnx.initializers.uniform(2 * bound)(key, shape, dtype) - bound

    return initial


def conv(fan_in: int, out: int, rngs: nnx.Rngs, **options) -> nnx.Conv:
    """A 5x5 convolution."""
    return nnx.Conv(fan_in, out, (5, 5), kernel_init=UNIFORM, bias_init=_bias(25 * fan_in), rngs=rngs, **options)


def linear(fan_in: int, out: int, rngs: nnx.Rngs) -> nnx.Linear:
    """A dense layer."""
    return nnx.Linear(fan_in, out, kernel_init=UNIFORM, bias_init=_bias(fan_in), rngs=rngs)
