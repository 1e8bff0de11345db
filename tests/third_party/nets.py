"""What the strategies of this folder are run with: two small backbones, recipes and a selector, as a plugin."""

import math

import jax
from flax import nnx

import tlx


class Dense(nnx.Module):
    """Flatten, and twice linear, batch norm, ReLU."""

    def __init__(self, shape: tuple[int, ...], rngs: nnx.Rngs):
        self.width = 32
        self.fc1 = nnx.Linear(math.prod(shape), 64, rngs=rngs)
        self.bn1 = nnx.BatchNorm(64, momentum=0.9, rngs=rngs)
        self.fc2 = nnx.Linear(64, self.width, rngs=rngs)
        self.bn2 = nnx.BatchNorm(self.width, momentum=0.9, rngs=rngs)

    def __call__(self, x: jax.Array) -> jax.Array:
        x = jax.nn.relu(self.bn1(self.fc1(x.reshape(x.shape[0], -1))))
        return jax.nn.relu(self.bn2(self.fc2(x)))


class Conv(nnx.Module):
    """Two convolutions of stride 2 and a linear layer: 8x8 images to maps of 4x4 and 2x2."""

    def __init__(self, shape: tuple[int, ...], rngs: nnx.Rngs):
        self.width = 32
        self.conv1 = nnx.Conv(shape[-1], 8, (3, 3), strides=2, rngs=rngs)
        self.conv2 = nnx.Conv(8, 16, (3, 3), strides=2, rngs=rngs)
        self.fc = nnx.Linear(shape[0] // 4 * (shape[1] // 4) * 16, self.width, rngs=rngs)

    def __call__(self, x: jax.Array) -> jax.Array:
        x = jax.nn.relu(self.conv2(jax.nn.relu(self.conv1(x))))
        return jax.nn.relu(self.fc(x.reshape(x.shape[0], -1)))


class Last(tlx.Selector):
    """The last evaluation."""

    targets = ("classes", "real")

    def score(self, evidence: tlx.Evidence) -> float:
        return evidence.step


@tlx.hookimpl
def tlx_backbones(register):
    register("dense", Dense)
    register("conv", Conv)


@tlx.hookimpl
def tlx_selectors(register):
    register("last", Last)


@tlx.hookimpl
def tlx_recipes(register):
    common = {"schedule": "constant", "weight_decay": 0.0, "bottleneck": 0, "batch": 32, "steps": 120, "rounds": 3}
    register("short", tlx.Recipe("short", lr=0.05, **common))
    register("adam", tlx.Recipe("adam", optimizer="adam", lr=0.003, **common))
