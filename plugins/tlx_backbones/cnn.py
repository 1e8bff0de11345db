"""The smallest convolutional network of the field's examples."""

from flax import nnx
from jaxtyping import Array, Float


class CNN(nnx.Module):
    """One convolution: 3x3 to 32 channels (SAME), ReLU, 2x2 max pool, flatten."""

    def __init__(self, shape: tuple[int, int, int], rngs: nnx.Rngs):
        height, width, channels = shape
        self.width = (height // 2) * (width // 2) * 32
        self.conv = nnx.Conv(channels, 32, (3, 3), rngs=rngs)

    def __call__(self, x: Float[Array, "batch height width channels"]) -> Float[Array, "batch features"]:
        x = nnx.max_pool(nnx.relu(self.conv(x)), (2, 2), (2, 2))
        return x.reshape(x.shape[0], -1)
