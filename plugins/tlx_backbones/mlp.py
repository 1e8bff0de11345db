"""The smallest network of the field's examples."""

import math

from flax import nnx
from jaxtyping import Array, Float


class MLP(nnx.Module):
    """One hidden layer: flatten, 128, ReLU. For rows of any shape: images, vectors, sequences."""

    def __init__(self, shape: tuple[int, ...], rngs: nnx.Rngs, width: int = 128):
        self.width = width
        self.fc = nnx.Linear(math.prod(shape), width, rngs=rngs)

    def __call__(self, x: Float[Array, "batch *shape"]) -> Float[Array, "batch width"]:
        return nnx.relu(self.fc(x.reshape(x.shape[0], -1)))
