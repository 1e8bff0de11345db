"""Strategies of other settings earn their place on real digits: each beats its bound from the same seeds.

By the recipe `quick-plain` at the last step, of the seeds 0 and 1 but for `gradual`. Where a strategy is not here, or
its margin is small, the reason is:

- `uniot`: one seed of 150 steps had an H-score of 0.60, and `max_entropy` after 200 steps has 0.43 to 0.68 (4 seeds).
  More seeds take too long for a test: a transport of 2,000 rows a step.
- `ar`: above `dann` (200 steps, seeds 0 to 3: 0.77, 0.75, 0.96, 0.89 for 0.74, 0.62, 0.82, 0.39), at 35 processor
  seconds a seed.
"""

import functools
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sklearn.cluster import KMeans

from tlx import Arrays, Dataset, Protocol
from tlx.data import Task, TaskData, load_task
from tlx.engine.train import train
from tlx.plugins import Registry
from tlx.runs.scoring import kind_of, main_number
from tlx.score import cluster_accuracy

pytestmark = [pytest.mark.slow, pytest.mark.data]

REGISTRY = Registry.load(environ={"TLX_PLUGINS": "backbones,datasets,strategies,suites"})
SHIFT, WITHIN = "mnist5k->optdigits", "mnist5k_rest->mnist5k_fifth"
ANGLES = (0, 10, 20, 30, 40, 50)


@functools.cache
def task(name: str) -> TaskData:
    if name.startswith("turned"):
        domains = [turned(angle) for angle in ANGLES]
        chosen = domains if name == "turned" else [domains[0], domains[-1]]
        by_name = {domain.name: domain for domain in chosen}
        asked = Task((chosen[0].name,), tuple(by_name)[1:], Protocol("P-turned", "", 28, 1))
        return load_task(asked, by_name.__getitem__)
    return load_task(REGISTRY.get("tasks", name), lambda name: REGISTRY.get("datasets", name))


def turned(angle: int) -> Dataset:
    """A part of mnist5k, turned; no two angles share a digit."""
    digits, place = REGISTRY.get("datasets", "mnist5k"), ANGLES.index(angle)

    def part(rows: Arrays) -> Arrays:
        x, y, origin = rows.x[place :: len(ANGLES)], rows.y[place :: len(ANGLES)], rows.origin[place :: len(ANGLES)]
        images = (Image.fromarray(image[..., 0]).rotate(angle, Image.Resampling.BILINEAR) for image in x)
        return Arrays(np.stack([np.asarray(image) for image in images])[..., None], y, origin)

    return Dataset(f"turned{angle}", part(digits.train), part(digits.test), digits.classes)


@functools.cache
def outputs(
    name: str, on: str, steps: int, seeds: int, rounds: int = 4, beta1: float = 0.9, **settings: Any
) -> np.ndarray:
    """The outputs [seeds, rows, outputs] of the test rows at the last step."""
    recipe = REGISTRY.get("recipes", "quick-plain").replace(steps=steps, rounds=rounds, beta1=beta1)
    strategy, backbone = REGISTRY.get("strategies", name)(**settings), REGISTRY.get("backbones", "lenet")
    outcome = train(strategy, backbone, task(on), recipe, tuple(range(seeds)))
    assert not any(outcome.diverged)
    return outcome.evaluations[-1].target_logits


def score(name: str, on: str, steps: int, seeds: int, **how: Any) -> float:
    """The mean over the seeds of the task's main score."""
    data = task(on)
    return float(np.mean([main_number(kind_of(data), x, data.test.y) for x in outputs(name, on, steps, seeds, **how)]))


@pytest.mark.parametrize("name", ["dance", "sta"])
def test_open_set_methods_know_what_is_unknown(name):
    """The trap: a term that only makes the network less sure, which a threshold on the entropy does as well.

    Measured with seeds 0 and 1: max_entropy 0.36 and 0.38, dance 0.62 and 0.64, sta 0.61 and 0.59.
    """
    assert score(name, f"{SHIFT}@P-5k-open", 400, 2) > score("max_entropy", f"{SHIFT}@P-5k-open", 400, 2) + 0.1


def test_ba3us_leaves_the_missing_classes_alone():
    """The trap: weights of classes that leave the adversary as it is, which draws target rows to missing classes.

    Measured with seeds 0 to 3: dann 0.62, 0.49, 0.59, 0.46, ba3us 0.70, 0.76, 0.64, 0.78.
    """
    on, small = "optdigits->mnist5k@P-5k-partial", {"hidden": (100,), "beta1": 0.0}
    assert score("ba3us", on, 200, 2, **small) > score("dann", on, 200, 2, **small) + 0.05


@pytest.mark.parametrize("name", ["active_entropy", "active_margin", "badge", "clue"])
def test_forty_labels_that_are_asked_for_help(name):
    """The trap: rows that are asked for, and others that are learnt from.

    Measured with seeds 0 to 2: source_only 0.62, 0.75, 0.76, active_entropy 0.87, 0.86, 0.84, active_margin 0.89, 0.84,
    0.93, badge 0.91, 0.91, 0.88, clue 0.90, 0.92, 0.91. That they are better than rows at random is not claimed.
    """
    assert score(name, SHIFT, 200, 2, count=10, budget=40) > score("source_only", SHIFT, 200, 2) + 0.06


def test_three_labels_of_each_class_beat_none():
    """Measured with seeds 0 to 2: source_only 0.62, 0.75, 0.76, dage 0.86, 0.87, 0.85."""
    assert score("dage", f"{SHIFT}/3", 200, 2, rounds=1) > score("source_only", SHIFT, 200, 2) + 0.06


def test_uno_finds_digits_that_pixels_do_not_tell_apart():
    """The traps: clusters of strokes that all digits have; a network that k-means on pixels equals.

    Measured with seeds 0 to 2, on the digits 5 to 9 of the same writers: source_only 0.46, 0.45, 0.50, uno 0.74, 0.69,
    0.84; k-means on pixels 0.53 to 0.58 over five starts. On mnist5k->optdigits k-means has 0.88 by itself, and uno
    0.85 to 0.91.
    """
    on = f"{WITHIN}@P-5k-new"
    data = task(on)
    train_x, test_x = (x.reshape(len(x), -1) / 255.0 for x in (data.target.x, data.test.x))
    starts: Any = 10  # scikit-learn's stub has a text alone
    found = np.asarray(KMeans(5, n_init=starts, random_state=0).fit(train_x).predict(test_x))
    pixels = cluster_accuracy(np.eye(10)[found + 5], data.test.y)
    uno = score("uno", on, 300, 2, rounds=1)
    assert uno > pixels + 0.08 and uno > score("source_only", on, 300, 2) + 0.1


def test_autonovel_finds_more_than_the_known_classes_tell():
    """The bound is the source's network, whose outputs for known classes are clusters too. k-means on pixels has 0.88.

    Measured with seeds 0 to 2: source_only 0.34, 0.41, 0.41, autonovel 0.59, 0.56, 0.60. The paper starts from a
    network that was trained to tell rotations of all rows.
    """
    on = f"{SHIFT}@P-5k-new"
    assert score("autonovel", on, 300, 2, rounds=1) > score("source_only", on, 300, 2) + 0.08


def test_five_labels_of_new_classes_grow_the_head():
    """The trap: outputs for new classes that the source's rows, which are more, push down again.

    Measured with seeds 0 to 2, five labels of each of ten digits, of which the source has five: source_only 0.44, 0.46,
    0.46, imprinted 0.83, 0.83, 0.84.
    """
    on = f"{SHIFT}@P-5k-grown/5"
    assert score("imprinted", on, 300, 2, rounds=1) > score("source_only", on, 300, 2) + 0.25


def test_gradual_goes_further_than_the_source():
    """The trap: targets out of their order, or labelled all at once, which is self-training on what is far.

    Measured with seeds 0 to 2 on digits turned by 50 degrees, 10 a target: source_only 0.35, 0.36, 0.36, gradual 0.42,
    0.50, 0.59; the same self-training on the last target alone 0.31, 0.36, 0.39.
    """

    def last(name: str, on: str, steps: int, rounds: int) -> float:
        test = task(on).test
        mine = test.domain == test.domain.max()
        found = outputs(name, on, steps, 3, rounds=rounds).argmax(-1)
        return float((found[:, mine] == test.y[mine]).mean())

    assert last("gradual", "turned", 1000, 10) > last("source_only", "turned, the last alone", 500, 1) + 0.06
