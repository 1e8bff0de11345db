"""Strategies earn their place on real digits: each beats the baseline from the same seeds, in a short run."""

import dataclasses
import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from tlx import Draw
from tlx.data import Pareto, Task, TaskData, load_task
from tlx.engine.train import train
from tlx.plugins import Registry

pytestmark = [pytest.mark.slow, pytest.mark.data]

REGISTRY = Registry.load(environ={"TLX_PLUGINS": "backbones,datasets,strategies,suites"})
SEEDS = (0, 1)
SHARES = "shares rank^-2"


@functools.cache
def task(name: str = "mnist5k->optdigits") -> TaskData:
    """A task by name, or the default one with unequal shares of the classes among the target's train rows."""
    draw = Draw("optdigits", "prior", prior=Pareto(2.0))
    protocol = dataclasses.replace(REGISTRY.get("protocols", "P-5k"), id="P-shares", draws=(draw,))
    shifted = Task(("mnist5k",), ("optdigits",), protocol)
    made = shifted if name == SHARES else REGISTRY.get("tasks", name)
    return load_task(made, lambda name: REGISTRY.get("datasets", name))


@functools.cache
def accuracy(
    name: str,
    steps: int,
    on: str = "mnist5k->optdigits",
    rounds: int = 1,
    seeds: Sequence[int] = SEEDS,
    **settings: Any,
) -> float:
    """The mean over the seeds, at the last step."""
    recipe = REGISTRY.get("recipes", "quick").replace(steps=steps, rounds=rounds)
    strategy, backbone = REGISTRY.get("strategies", name)(**settings), REGISTRY.get("backbones", "lenet")
    outcome = train(strategy, backbone, task(on), recipe, seeds)
    assert not any(outcome.diverged)
    return float(np.mean(outcome.evaluations[-1].target_logits.argmax(-1) == task(on).test.y))


@pytest.mark.parametrize("name", ["mmd", "coral", "kl"])
def test_beats_the_baseline(name):
    """The trap: an alignment that is computed and not descended, or descended on the wrong side.

    Measured with six seeds: after 150 steps source_only 0.39 to 0.59, mmd 0.74 to 0.81, coral 0.69 to 0.78 and kl 0.67
    to 0.72. With seeds 0 and 1 the gains are 0.31 (mmd), 0.28 (coral) and 0.24 (kl).
    """
    assert accuracy(name, 150) > accuracy("source_only", 150) + 0.1


def test_mfsan_beats_the_baseline_on_two_sources():
    """The trap: as above; a space of its own for each source, which the target never comes near.

    Measured with seeds 0 and 1 after 300 steps: the mean is 0.54 for source_only, on both sources as one, and 0.82 for
    mfsan; 0.66 at weight 0, by batch norm over all domains.
    """
    on = "mnist5k+mnist5k_m->optdigits"
    assert accuracy("mfsan", 300, on) > accuracy("source_only", 300, on) + 0.1


@pytest.mark.parametrize(("name", "rounds"), [("dann", 1), ("asa", 1), ("sdann", 1), ("iwcdan", 4)])
def test_adversarial_methods_beat_the_baseline(name, rounds):
    """The trap: as above; weights of classes are renewed each round. The critic is small, as it takes most of a step.

    Measured with seeds 0 to 3 after 300 steps, as dann's coefficient grows slowly: source_only 0.27 to 0.58 (seeds 0
    and 1: 0.37), dann 0.71 to 0.80, asa 0.75 to 0.79, sdann 0.72 to 0.77, iwcdan 0.70 to 0.75.
    """
    assert accuracy(name, 300, rounds=rounds, hidden=(100,)) > accuracy("source_only", 300) + 0.1


def test_aligning_supports_keeps_what_aligning_shares_loses():
    """The point of `asa`: the target's train rows have shares rank^-2, and the scored rows are alike.

    Measured with seeds 0 to 5: dann 0.28, 0.48, 0.36, 0.63, 0.59, 0.36, asa 0.62, 0.61, 0.62, 0.71, 0.74, 0.70: the
    mean gain is 0.22, with a standard error of 0.05. Of two seeds it was 0.01 to 0.24, by how sums were rounded. With
    a critic of 100 units, which is weaker, dann loses nothing.
    """
    seeds = range(6)
    assert accuracy("asa", 200, on=SHARES, seeds=seeds) > accuracy("dann", 200, on=SHARES, seeds=seeds) + 0.05


@pytest.mark.parametrize("name", ["ccsa", "d_sne"])
def test_three_labels_of_each_class_beat_none(name):
    """The trap: labels of the target that are drawn and not descended on.

    Measured with seeds 0 and 1: source_only 0.59 and 0.26, ccsa 0.81 and 0.72, d_sne 0.82 and 0.75.
    """
    assert accuracy(name, 150, on="mnist5k->optdigits/3") > accuracy("source_only", 150) + 0.1
