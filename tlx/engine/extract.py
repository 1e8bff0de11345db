"""A backbone run once over many images."""

import functools
from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jaxtyping import Float32

from tlx.contract import State
from tlx.data.protocol import Protocol
from tlx.data.resize import fit
from tlx.data.task import Images
from tlx.engine.devices import use_compilation_cache
from tlx.engine.model import Backbone, ModelSpec, Shapes, make_model
from tlx.engine.networks import make
from tlx.weights import load

BATCH = 32


def extractor(
    backbone: Backbone, protocol: Protocol, tensors: Mapping[str, np.ndarray] | None = None
) -> Callable[[Images], Float32[np.ndarray, "rows features"]]:
    """A function from images (uint8) to the backbone's features, in evaluation mode.

    Images are shown as the protocol says: at its size and channels (None: their own), x = (uint8 / 255 - mean) / std,
    scaled to `resize` in the network.
    `tensors` are the backbone's weights by name (`tlx.weights.read`); without them it is as seed 0 leaves it.

    Raises:
        WeightsError: tensors that do not fit the backbone; when it is called.
    """
    use_compilation_cache()
    mean, std = jnp.float32(protocol.mean), jnp.float32(protocol.std)

    @functools.cache
    def program(shape: tuple[int, int, int]) -> tuple[int, Callable[[jax.Array], jax.Array]]:
        shapes = Shapes.of(np.zeros((1, *shape), np.uint8))
        spec = ModelSpec(backbone, shapes, 2, 2, resize=protocol.resize or 0)
        model = make_model(spec)

        def build(rngs: nnx.Rngs) -> nnx.Module:
            module = model.backbone(rngs)
            if tensors is not None:
                load(module, tensors, shape=spec.seen)
            return module

        params, carried = make(build, jax.random.key(0))
        state = State({"features": params}, {"features": carried}, {})

        @jax.jit
        def features(state: State, batch: jax.Array) -> jax.Array:
            return model.features(state, (batch.astype(jnp.float32) / 255 - mean) / std, train=False)[0]

        return model.width, functools.partial(features, state)

    def extract(x: Images) -> Float32[np.ndarray, "rows features"]:
        size, channels = protocol.size or max(x.shape[1:3]), protocol.channels or x.shape[3]
        width, features = program((size, size, channels))
        out = np.empty((len(x), width), np.float32)
        for start in range(0, len(x), BATCH):
            some = fit(x[start : start + BATCH], size, channels)
            padded = np.zeros((BATCH, *some.shape[1:]), np.uint8)  # one shape, one program
            padded[: len(some)] = some
            out[start : start + len(some)] = np.asarray(features(jnp.asarray(padded)))[: len(some)]
        return out

    return extract
