"""Convolution and pooling on one core, milliseconds a call: `python benchmarks/speed/parts.py native xla torch lenet1`.

The shapes are those of LeNet and DTN at batch 128, and two depthwise ones. Names of shapes pick some; without names of
sides, native and xla run. Processor time is measured, so that other work on the machine disturbs it through the caches
only; run it under `taskset -c 1`, as XLA's threads would add theirs.
"""

import sys
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

REPEATS = 12
KERNEL = 5
SIDES = ("native", "xla", "torch")


class Layer(NamedTuple):
    """A 5x5 convolution of `batch` images, and whether 2x2 max pooling and ReLU follow; `out` = 0: 3x3, depthwise."""

    name: str
    batch: int
    size: int
    channels: int
    out: int
    stride: int
    padding: int
    pooled: bool = False

    @property
    def strides(self) -> tuple[int, int]:
        return self.stride, self.stride

    @property
    def around(self) -> tuple[tuple[int, int], tuple[int, int]]:
        return ((self.padding, self.padding),) * 2

    def flops(self) -> float:
        side = (self.size + 2 * self.padding - KERNEL) // self.stride + 1
        return 2.0 * self.batch * side**2 * self.out * self.channels * KERNEL**2


LAYERS = (
    Layer("lenet1", 128, 28, 1, 20, 1, 0, True),
    Layer("lenet2", 128, 12, 20, 50, 1, 0, True),
    Layer("dtn1", 128, 32, 3, 64, 2, 2),
    Layer("dtn2", 128, 16, 64, 128, 2, 2),
    Layer("dtn3", 128, 8, 128, 256, 2, 2),
    Layer("deep56", 32, 56, 64, 0, 1, 1),
    Layer("deep28", 32, 28, 192, 0, 2, 1),
)


def normal(seed: int, *shape: int) -> np.ndarray:
    """Values of a standard normal."""
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def say(side: str, name: str, part: str, function: Callable[[], Any], flops: float = 0.0) -> None:
    """One line: the least processor time of a call."""
    times = []
    for _ in range(REPEATS + 2):
        start = time.process_time()
        function()
        times.append((time.process_time() - start) * 1e3)
    took = min(times[2:])
    rate = f"{flops / took / 1e6:7.1f} GFLOP/s" if flops else ""
    print(f"{side:7} {name:8} {part:8} {took:8.2f} ms {rate}", flush=True)


def jax_layer(side: str, layer: Layer) -> None:
    """The native kernels, or XLA's path in `tlx.layers`."""
    import jax
    import jax.numpy as jnp

    from tlx import native
    from tlx.layers.conv import _conv
    from tlx.layers.pool import _side_by_side

    def conv(x, w, b):
        if side == "native":
            return native.conv(x, w, b, layer.strides, layer.around)
        return _conv(jnp.pad(x, ((0, 0), *layer.around, (0, 0))), w, layer.strides) + b[None, None, None]

    def pool(x):
        return native.max_pool(x) if side == "native" else _side_by_side(x, (2, 2))

    def stack(x, w, b):
        return jax.nn.relu(pool(conv(x, w, b)))

    def fused(x, w, b):
        return native.conv_pool(x, w, b, layer.strides, layer.around, True)

    def time_it(part, function, *args, flops=0.0):
        compiled = jax.jit(function)
        say(side, layer.name, part, lambda: jax.block_until_ready(compiled(*args)), flops)

    flops, inner = layer.flops(), layer.channels > 3  # the first layer needs no gradient of the images
    x = jnp.asarray(normal(0, layer.batch, layer.size, layer.size, layer.channels))
    w = jnp.asarray(normal(1, KERNEL, KERNEL, layer.channels, layer.out)) / 10
    b = jnp.asarray(normal(2, layer.out))
    y = conv(x, w, b)
    g = jnp.asarray(normal(3, *y.shape))
    time_it("forward", conv, x, w, b, flops=flops)
    if inner:
        time_it("dx", lambda x, w, b, g: jax.vjp(lambda x: conv(x, w, b), x)[1](g), x, w, b, g, flops=flops)
    time_it("dw", lambda x, w, b, g: jax.vjp(lambda w, b: conv(x, w, b), w, b)[1](g), x, w, b, g, flops=flops)
    if not layer.pooled:
        return
    top, back = jax.jit(lambda y: jax.vjp(pool, y))(y)
    small = jnp.asarray(normal(4, *top.shape))
    time_it("pool", lambda y: jax.vjp(pool, y), y)
    time_it("dpool", lambda back, g: back(g), back, small)
    for part, function in (("stack", stack), ("fused", fused))[: 2 if side == "native" else 1]:

        def both(x, w, b, g, function=function):
            y, back = jax.vjp(function, x, w, b)
            return y, back(g)[0 if inner else 1 :]

        time_it(part, both, x, w, b, small, flops=flops * (3 if inner else 2))


def jax_depthwise(side: str, layer: Layer) -> None:
    """Times a depthwise convolution and its gradients."""
    import jax
    import jax.numpy as jnp

    from tlx import native
    from tlx.layers.conv import _depthwise

    def conv(x, w):
        if side == "native":
            return native.depthwise(x, w, layer.strides, layer.around)
        return _depthwise(jnp.pad(x, ((0, 0), *layer.around, (0, 0))), w, layer.strides)

    def time_it(part, function, *args):
        compiled = jax.jit(function)
        say(side, layer.name, part, lambda: jax.block_until_ready(compiled(*args)))

    x = jnp.asarray(normal(0, layer.batch, layer.size, layer.size, layer.channels))
    w = jnp.asarray(normal(1, 3, 3, 1, layer.channels))
    g = conv(x, w)
    time_it("forward", conv, x, w)
    time_it("dx", lambda x, w, g: jax.vjp(lambda x: conv(x, w), x)[1](g), x, w, g)
    time_it("dw", lambda x, w, g: jax.vjp(lambda w: conv(x, w), w)[1](g), x, w, g)


def torch_layer(layer: Layer) -> None:
    """PyTorch with one thread, in its own layout."""
    import torch

    torch.set_num_threads(1)
    max_pool, backward = torch.nn.functional.max_pool2d, torch.ops.aten.convolution_backward
    flops, inner = layer.flops(), layer.channels > 3
    x = torch.from_numpy(normal(0, layer.batch, layer.channels, layer.size, layer.size))
    w = torch.from_numpy(normal(1, layer.out, layer.channels, KERNEL, KERNEL)) / 10
    b = torch.from_numpy(normal(2, layer.out))

    def conv(x, w, b):
        return torch.nn.functional.conv2d(x, w, b, layer.stride, layer.padding)

    def gradient(*mask):
        around = [layer.padding, layer.padding]
        return backward(g, x, w, [layer.out], [*layer.strides], around, [1, 1], False, [0, 0], 1, [*mask])

    def stack():
        return torch.autograd.grad(torch.relu(max_pool(conv(x, w, b), 2)), wanted, small)

    with torch.no_grad():
        y = conv(x, w, b)
        g = torch.randn_like(y)
        say("torch", layer.name, "forward", lambda: conv(x, w, b), flops)
        if inner:
            say("torch", layer.name, "dx", lambda: gradient(True, False, False), flops)
        say("torch", layer.name, "dw", lambda: gradient(False, True, True), flops)
        if not layer.pooled:
            return
        say("torch", layer.name, "pool", lambda: max_pool(y, 2, return_indices=True))
        small = torch.randn_like(max_pool(y, 2))
    wanted = [array.requires_grad_() for array in ((x, w, b) if inner else (w, b))]
    say("torch", layer.name, "stack", stack, flops * len(wanted))


def main() -> None:
    """Times the sides that the command line names."""
    words = sys.argv[1:]
    names = [word for word in words if word not in SIDES]
    for side in [word for word in words if word in SIDES] or SIDES[:2]:
        for layer in LAYERS:
            if names and layer.name not in names:
                continue
            if side == "torch":
                if layer.out:
                    torch_layer(layer)
            elif layer.out:
                jax_layer(side, layer)
            else:
                jax_depthwise(side, layer)


if __name__ == "__main__":
    main()
