"""Modules of a strategy's own: a convolutional discriminator on a tapped map, and a decoder."""

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

import tlx
from tlx.data import from_arrays
from tlx.ops import dann_ramp, domain_loss, reverse_gradient

NAMES = tuple("0123456789")


class Discriminator(nnx.Module):
    """Maps [B, H, W, C] to a logit a row."""

    def __init__(self, channels: int, rngs: nnx.Rngs):
        self.conv1 = nnx.Conv(channels, 16, (3, 3), rngs=rngs)
        self.norm = nnx.BatchNorm(16, rngs=rngs)
        self.conv2 = nnx.Conv(16, 1, (1, 1), rngs=rngs)

    def __call__(self, x: jax.Array) -> jax.Array:
        return self.conv2(jax.nn.relu(self.norm(self.conv1(x)))).mean((1, 2, 3))


class Decoder(nnx.Module):
    """Features [B, width] to images [B, H, W, C] in [0, 1]."""

    def __init__(self, width: int, shape: tuple[int, int, int], rngs: nnx.Rngs):
        self.small = (shape[0] // 2, shape[1] // 2, 8)
        self.fc = nnx.Linear(width, self.small[0] * self.small[1] * 8, rngs=rngs)
        self.conv = nnx.Conv(8, shape[2], (3, 3), rngs=rngs)

    def __call__(self, features: jax.Array) -> jax.Array:
        x = jax.nn.relu(self.fc(features)).reshape(-1, *self.small)
        return jax.nn.sigmoid(self.conv(x.repeat(2, 1).repeat(2, 2)))


@tlx.strategy
class Rebuilding(tlx.Strategy):
    """Confuses a discriminator of maps, and keeps in the features what the target's images are rebuilt from.

    loss = cross-entropy(source) + domain_loss(D(R(map))) + weight |decoder(f(target)) - target|^2
    """

    paper = "Ghifary et al. 2016"
    inputs = ("image",)

    weight: float = 5.0

    def init(self, model, key):
        first, second, third = jax.random.split(key, 3)
        state = model.add(model.init(first), second, "critic", lambda rngs: Discriminator(8, rngs))
        return model.add(state, third, "decoder", lambda rngs: Decoder(model.width, model.shape, rngs))

    def loss(self, model, state, batch, context):
        source, low, state = model.features(state, batch.source.x, taps=("conv1",))
        target, high, state = model.features(state, batch.target.x, taps=("conv1",))
        logits, state = model.classify(state, source)
        maps = jnp.concatenate([low["conv1"], high["conv1"]])
        judged, state = model.apply(state, "critic", reverse_gradient(maps, dann_ramp(context.progress, 10.0)))
        domain = domain_loss(*jnp.split(judged, [len(source)]))
        rebuilt, state = model.apply(state, "decoder", target)
        gap = jnp.mean((rebuilt - model.to_pixels(batch.target.x)) ** 2)
        task = model.task_loss(logits, batch.source.y)
        return task + domain + self.weight * gap, state, {"domain": domain, "rebuilt": gap}


@tlx.hookimpl
def tlx_strategies(register):
    register("rebuilding", Rebuilding)


def test_rebuilds_and_confuses(run, digits):
    plain = from_arrays("plain", digits.part(0, 2), classes=NAMES)
    dim = from_arrays("dim", digits.part(1, 2).dim(0.6, 40), classes=NAMES)
    result = run("plain->dim", "rebuilding", plain, dim, backbone="conv", steps=90)
    first, *_, last = [point.metrics["rebuilt"] for point in result.curves]
    assert all(low < 0.6 * high for low, high in zip(last, first, strict=True))
    assert max(result.curves[-1].metrics["domain"]) < np.log(2)  # the discriminator has learnt too
    assert min(result.accuracy()) > 0.7  # five seeds: 0.82 to 0.87
