"""No network: what stands in the place of x is the features already."""

import math

from flax import nnx
from jaxtyping import Array, Float


class Features(nnx.Module):
    """x as it is, flattened: cached features [B, width]; what is trained is the recipe's bottleneck and the head.

    For datasets `features:EDITION/DATASET`, and for any vectors, sequences or images.
    """

    def __init__(self, shape: tuple[int, ...], rngs: nnx.Rngs):
        self.width = math.prod(shape)

    def __call__(self, x: Float[Array, "batch *shape"]) -> Float[Array, "batch features"]:
        return x.reshape(x.shape[0], -1)
