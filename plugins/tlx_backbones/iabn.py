"""Residual networks whose batch norm is aware of the instance (NOTE)."""

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float

from tlx_backbones.resnet import ResNet18Cifar
from tlx_backbones.tiny import shrunk


class InstanceAwareBatchNorm(nnx.Module):
    """Batch norm, and then the image's own statistics where they are far from the batch's or the running ones.

    z = batch norm of x without scale and shift; of an image and channel with n pixels, mean m and variance v of z:
    y = scale (z - s(m, k / sqrt(n))) / sqrt(1 + s(v - 1, k sqrt(2 / (n - 1)))) + shift,
    s(a, b) = sign(a) max(|a| - b, 0); of one pixel, y = scale z + shift

    The thresholds are k standard errors of the mean and of the variance of n normal pixels. This is the paper's
    equation in units of the batch's statistics, whose sums with epsilon in the thresholds differ from it by epsilon.
    v is the unbiased variance, as there.

    Settings: `k` 4, the authors' for CIFAR-10.

    Reference: Gong et al., "NOTE: Robust Continual Test-time Adaptation Against Temporal Correlation", NeurIPS 2022.
    """

    def __init__(self, size: int, *, k: float = 4.0, rngs: nnx.Rngs):
        self.k = k
        self.norm = nnx.BatchNorm(size, momentum=0.9, epsilon=1e-5, use_scale=False, use_bias=False, rngs=rngs)
        self.scale, self.bias = nnx.Param(jnp.ones(size)), nnx.Param(jnp.zeros(size))

    def __call__(self, x: Float[Array, "batch height width channels"]) -> Float[Array, "batch height width channels"]:
        z = self.norm(x)
        n = z.shape[1] * z.shape[2]
        if n > 1:
            mean = z.mean((1, 2), keepdims=True)
            variance = z.var((1, 2), keepdims=True, ddof=1)
            apart = _shrunk(variance - 1, self.k * (2 / (n - 1)) ** 0.5)
            z = (z - _shrunk(mean, self.k * n**-0.5)) * jax.lax.rsqrt(jnp.maximum(1 + apart, 1e-5))
        scale, bias = (leaf[...][None, None, None].astype(z.dtype) for leaf in (self.scale, self.bias))
        return z * scale + bias


def _shrunk(x: Array, threshold: float) -> Array:
    """sign(x) max(|x| - threshold, 0)."""
    return jnp.sign(x) * jnp.maximum(jnp.abs(x) - threshold, 0)


class ResNet18CifarIABN(ResNet18Cifar):
    """`resnet18_cifar` with instance-aware batch norm for batch norm, as the source of NOTE is trained.

    Reference: Gong et al., "NOTE: Robust Continual Test-time Adaptation Against Temporal Correlation", NeurIPS 2022.
    """

    weights = {}

    def __init__(self, shape: tuple[int, int, int], rngs: nnx.Rngs):
        super().__init__(shape, rngs)
        for _, module in list(nnx.iter_modules(self)):
            for name, layer in list(vars(module).items()):
                if isinstance(layer, nnx.BatchNorm):
                    setattr(module, name, InstanceAwareBatchNorm(layer.num_features, rngs=rngs))

    @classmethod
    def tiny(cls) -> type:
        """One block."""
        return shrunk(ResNet18CifarIABN, depths=(1,))
