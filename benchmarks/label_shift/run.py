"""The improvements of eight label-shift corrections on MNIST, beside the published ones: 18 shifts, 100 trials each.

    python benchmarks/label_shift/run.py mnist.npz

trains 10 networks (half a minute on two cores), draws 10 shifted test sets for each of them as the authors do (the same
NumPy streams), corrects the predictions by each estimator, and writes label-shift-mnist.json and .md to
benchmarks/results. The file is that of Keras, with the original order of rows.

`tlx reproduce` runs a strategy on a task and compares accuracies; here a cell is the median of a difference between two
predictions of one network over draws with replacement of its test rows, so the table is a program of its own.
"""

import json
import sys
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

from networks import SEEDS, Predictions, keras_mnist, predictions  # noqa: E402
from published import FILE, METHODS, SHIFTS, SIZES, TRIALS, median_interval  # noqa: E402
from verdicts import cells_of, markdown  # noqa: E402

from tlx.ops import (  # noqa: E402
    bbse_weights,
    fit_calibration,
    joint_confusion,
    mlls_weights,
    reweighted,
    rlls_strength,
    rlls_weights,
)

RESULT = Path(__file__).parents[1] / "results/label-shift-mnist.json"
TWEAKED = 3  # the class whose share is set
KINDS = {"em": "none", "em+temperature": "temperature", "em+bcts": "bcts", "em+vector": "vector"}


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


def main(mnist: Path) -> None:
    """Writes the JSON of all cells and the page of verdicts."""
    given = predictions(keras_mnist(mnist))
    print("accuracy:", np.round((given.test.argmax(2) == given.test_y).mean(1), 4), flush=True)
    found = measured(given)
    ours = {name: {method: median_interval(v) for method, v in cell.items()} for name, cell in found.items()}
    cells = cells_of(ours, json.loads(FILE.read_text()))
    trials = {name: {method: v.tolist() for method, v in cell.items()} for name, cell in found.items()}
    RESULT.write_text(json.dumps({"cells": cells, "trials": trials}) + "\n")
    RESULT.with_suffix(".md").write_text(markdown(cells))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
