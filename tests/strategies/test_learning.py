"""Strategies earn their place on real digits: each beats the baseline from the same seeds, in a short run."""

import functools

import numpy as np
import pytest

from tlx.data import TaskData, load_task
from tlx.engine.train import train
from tlx.plugins import Registry

pytestmark = [pytest.mark.slow, pytest.mark.data]

REGISTRY = Registry.load(environ={"TLX_PLUGINS": "backbones,datasets,strategies,suites"})
SEEDS = (0, 1)


@functools.cache
def task(name: str = "mnist5k->optdigits") -> TaskData:
    return load_task(REGISTRY.get("tasks", name), lambda name: REGISTRY.get("datasets", name))


@functools.cache
def accuracy(name: str, steps: int, on: str = "mnist5k->optdigits") -> float:
    """The mean over the seeds, at the last step."""
    recipe = REGISTRY.get("recipes", "quick").replace(steps=steps, rounds=1)
    strategy, backbone = REGISTRY.get("strategies", name)(), REGISTRY.get("backbones", "lenet")
    outcome = train(strategy, backbone, task(on), recipe, SEEDS)
    assert not any(outcome.diverged)
    return float(np.mean(outcome.evaluations[-1].target_logits.argmax(-1) == task(on).test.y))


@pytest.mark.parametrize(("name", "steps"), [("mmd", 150), ("coral", 150), ("kl", 150), ("dann", 300)])
def test_beats_the_baseline(name, steps):
    """The trap: an alignment that is computed and not descended, or descended on the wrong side.

    Measured with six seeds: after 150 steps source_only 0.39 to 0.59, mmd 0.74 to 0.81, coral 0.69 to 0.78 and kl 0.67
    to 0.72; after 300, as dann's coefficient grows slowly, source_only 0.38 to 0.64 and dann 0.69 to 0.74. With seeds 0
    and 1 the gains are 0.31 (mmd), 0.28 (coral), 0.24 (kl) and 0.31 (dann).
    """
    assert accuracy(name, steps) > accuracy("source_only", steps) + 0.1


@pytest.mark.parametrize("name", ["ccsa", "d_sne"])
def test_three_labels_of_each_class_beat_none(name):
    """The trap: labels of the target that are drawn and not descended on.

    Measured with seeds 0 and 1: source_only 0.59 and 0.26, ccsa 0.81 and 0.72, d_sne 0.82 and 0.75.
    """
    assert accuracy(name, 150, on="mnist5k->optdigits/3") > accuracy("source_only", 150) + 0.1
