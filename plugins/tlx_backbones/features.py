"""No network: what stands in the place of images is the features already."""

from flax import nnx
from jaxtyping import Array, Float


class Features(nnx.Module):
    """Cached features as they are, [B, 1, 1, width] to [B, width]; what is trained is the recipe's bottleneck and head.

    For datasets `features:EDITION/DATASET`. Images are flattened.
    """

    def __init__(self, shape: tuple[int, int, int], rngs: nnx.Rngs):
        height, width, channels = shape
        self.width = height * width * channels

    def __call__(self, x: Float[Array, "batch height width channels"]) -> Float[Array, "batch features"]:
        return x.reshape(x.shape[0], -1)
