"""A backbone that compiles in a moment."""

from flax import nnx
from jaxtyping import Array, Float


class Tiny(nnx.Module):
    """Maximum over 4x4 cells, dense 32, ReLU."""

    def __init__(self, in_shape: tuple[int, int, int], rngs: nnx.Rngs):
        height, width, channels = in_shape
        self.width = 32
        self.fc = nnx.Linear((height // 4) * (width // 4) * channels, self.width, rngs=rngs)

    def __call__(self, x: Float[Array, "batch height width channels"]) -> Float[Array, "batch 32"]:
        x = nnx.max_pool(x, (4, 4), (4, 4))
        return nnx.relu(self.fc(x.reshape(x.shape[0], -1)))
