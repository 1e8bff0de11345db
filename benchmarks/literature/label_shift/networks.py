"""The ten networks of the table: 784-256-10 on MNIST's first 30,000 train rows, and their logits."""

from typing import NamedTuple

import numpy as np
from flax import nnx

from tlx import Dataset, Draw, Protocol, Recipe, Task
from tlx.data import load_task
from tlx.engine.train import train
from tlx.plugins import Registry

SEEDS = tuple(range(0, 100, 10))
HELD = 10_000  # the last train rows, for calibration and confusion matrices
STEPS = 10 * 235  # epochs of 30,000 rows in batches of 128
DECAY = 5e-4
PROTOCOL = Protocol(
    "label-shift-mnist", "the first 30,000 train rows in [0, 1]", size=28, channels=1, mean=0.0, std=1.0,
    draws=(Draw("mnist_as_filed", "first", 30_000),),
)  # fmt: skip
RECIPE = Recipe(
    name="label-shift-mnist", lr=0.01, momentum=0.5, nesterov=False, weight_decay=0.0, schedule="inverse",
    gamma=DECAY * STEPS, power=1.0, batch=128, steps=STEPS, rounds=1, bottleneck=0,
)  # fmt: skip
"""Keras' SGD(lr=0.01, momentum=0.5, decay=5e-4): its decay is of the learning rate, lr / (1 + decay * step)."""


class Net(nnx.Module):
    """Flatten, 256, ReLU and a linear classifier; kernels Glorot-uniform, as Keras draws them."""

    def __init__(self, shape: tuple[int, ...], rngs: nnx.Rngs):
        self.width = 256
        self.fc = self.head(int(np.prod(shape)), 256, rngs)

    @staticmethod
    def head(width: int, outputs: int, rngs: nnx.Rngs) -> nnx.Linear:
        """A linear layer."""
        return nnx.Linear(width, outputs, kernel_init=nnx.initializers.glorot_uniform(), rngs=rngs)

    def __call__(self, x):
        return nnx.relu(self.fc(x.reshape(len(x), -1)))


class Predictions(NamedTuple):
    """Logits [networks, rows, classes] and labels [rows] of the held-out and of the test rows."""

    held: np.ndarray
    held_y: np.ndarray
    test: np.ndarray
    test_y: np.ndarray


def predictions(mnist: Dataset) -> Predictions:
    """Trains the networks, all at once, and gives what they say."""
    strategy = Registry.load(environ={}).get("strategies", "target_only")()
    data = load_task(Task((), (mnist.name,), PROTOCOL), lambda name: mnist)
    held = mnist.train.x[-HELD:]
    outcome = train(strategy, Net, data, RECIPE, SEEDS, probe={"held": held})
    last = outcome.evaluations[-1]
    return Predictions(last.observed["held"].logits, mnist.train.y[-HELD:], last.target_logits, data.test.y)
