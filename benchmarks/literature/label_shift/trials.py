"""The improvements of eight label-shift corrections on MNIST, beside the published ones: 18 shifts, 100 trials each.

Trains 10 networks (half a minute on two cores), draws 10 shifted test sets for each of them as the authors do (the same
NumPy streams), and corrects the predictions by each estimator. The rows have to be in the order of the original files.
"""

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from tlx.data import Dataset
from tlx.ops import (
    bbse_weights,
    fit_calibration,
    joint_confusion,
    mlls_weights,
    reweighted,
    rlls_strength,
    rlls_weights,
)

from .cells import cells_of
from .networks import SEEDS, Predictions, predictions
from .published import METHODS, SHIFTS, SIZES, TRIALS, median_interval, published

TWEAKED = 3  # the class whose share is set
KINDS: dict[str, Literal["none", "temperature", "bcts", "vector"]] = {
    "em": "none",
    "em+temperature": "temperature",
    "em+bcts": "bcts",
    "em+vector": "vector",
}


class Trial(NamedTuple):
    """The rows of a trial: of the held-out ones without, of the test's with replacement."""

    held: np.ndarray
    test: np.ndarray


def draw(kind: str, alpha: float, size: int, test_y: np.ndarray, held: int, seed: int) -> Trial:
    """A trial's rows, drawn in the order in which the authors' program draws them."""
    random = np.random.RandomState(seed)
    chosen = random.choice(np.arange(held), size=size, replace=False)
    classes = 10
    if kind == "dirichlet":
        shares = random.dirichlet([alpha] * classes)
    else:
        shares = np.full(classes, (1 - alpha) / (classes - 1))
        shares[TWEAKED] = alpha
    rows = [np.flatnonzero(test_y == label) for label in range(classes)]
    drawn = [random.choice(rows[label], int(size * shares[label]), replace=True) for label in range(classes)]
    every = list(np.concatenate(drawn))
    while len(every) < size:
        label = min(int(np.searchsorted(np.cumsum(shares), random.uniform())), classes - 1)
        every.append(random.choice(rows[label]))
    return Trial(chosen, np.array(every))


@jax.jit
def improvements(held: jax.Array, held_y: jax.Array, test: jax.Array, test_y: jax.Array) -> dict[str, jax.Array]:
    """In points, of each correction over the predictions as they are; and the accuracy of those."""
    classes, rows = held.shape[1], len(held_y)

    def accuracy(logits: jax.Array) -> jax.Array:
        return 100 * jnp.mean(logits.argmax(1) == test_y)

    plain, found = accuracy(test), {}
    for how in ("hard", "soft"):
        said = [jax.nn.one_hot(z.argmax(1), classes) if how == "hard" else jax.nn.softmax(z) for z in (held, test)]
        confusion, target = joint_confusion(said[0], held_y), said[1].mean(0)
        found[f"bbse-{how}"] = reweighted(test, bbse_weights(confusion, target))
        strength = rlls_strength(classes, rows)
        found[f"rlls-{how}"] = reweighted(test, rlls_weights(confusion, target, strength))
    for name, kind in KINDS.items():
        calibration = fit_calibration(held, held_y, kind)
        calibrated = calibration(test)
        prior = jax.nn.softmax(calibration(held)).mean(0)
        found[name] = reweighted(calibrated, mlls_weights(calibrated, prior, iterations=100))
    return {name: accuracy(logits) - plain for name, logits in found.items()} | {"uncorrected": plain}


def measured(given: Predictions) -> dict[str, dict[str, np.ndarray]]:
    """Of each shift and method the improvements, [networks, trials]."""
    out = {}
    for kind, alpha in SHIFTS:
        for size in SIZES:
            name, found = f"{kind} {alpha} {size}", {method: [] for method in (*METHODS, "uncorrected")}
            for place, seed in enumerate(SEEDS):
                for number in range(TRIALS):
                    rows = draw(kind, float(alpha), size, given.test_y, len(given.held_y), seed * TRIALS + number)
                    held, test = given.held[place][rows.held], given.test[place][rows.test]
                    with jax.enable_x64(True):
                        of = improvements(
                            held.astype(float), given.held_y[rows.held], test.astype(float), given.test_y[rows.test]
                        )
                    for method, value in of.items():
                        found[method].append(round(float(value), 4))
            out[name] = {method: np.reshape(values, (len(SEEDS), TRIALS)) for method, values in found.items()}
            print(
                name, {method: round(float(np.median(values)), 2) for method, values in out[name].items()}, flush=True
            )
    return out


def compute(load: Callable[[str], Dataset]) -> dict[str, Any]:
    """The cells, and of each all its trials; half a minute of training and four of corrections on two cores."""
    found = measured(predictions(load("mnist_as_filed")))
    ours = {name: {method: median_interval(v) for method, v in cell.items()} for name, cell in found.items()}
    trials = {name: {method: v.tolist() for method, v in cell.items()} for name, cell in found.items()}
    return {"cells": cells_of(ours, published()), "trials": trials}
