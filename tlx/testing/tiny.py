"""Small seeded tasks on which a strategy is checked in a second or two."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

from tlx.data.inputs import Image, Input, Sequence, Tokens, Vector
from tlx.data.label_space import LabelSpace
from tlx.data.load import load_task
from tlx.data.protocol import Protocol
from tlx.data.shift import Task
from tlx.data.task import Arrays, Dataset, TaskData
from tlx.engine.recipe import Recipe
from tlx.testing.toy import CLASSES
from tlx.testing.toy import TinyBN as TinyBN

SHAPE = (8, 8, 1)
PROTOCOL = Protocol(id="tiny", summary="bright bars on 8x8 images, the target dimmer", size=8, channels=1)
LABELS = {
    "closed": None,
    "partial": LabelSpace(CLASSES, CLASSES[:2]),
    "open": LabelSpace(CLASSES[:2], CLASSES, unknown=True),
    "universal": LabelSpace(CLASSES[:2], CLASSES[1:], unknown=True),
    "discovery": LabelSpace(CLASSES[:2], CLASSES[2:], novel=True),
    "incremental": LabelSpace(CLASSES[:2], CLASSES, novel=True),
}
Show = Callable[[np.random.Generator, np.ndarray, int], Any]
"""Makes x of rows whose pattern stands at a place (0, 1, 2) with a light (90 is dim, 180 bright)."""


def tiny_recipe() -> Recipe:
    """Twelve steps in four rounds, without a bottleneck: every path of the engine, quickly."""
    return Recipe(name="tiny", steps=12, rounds=4, batch=8, eval_batch=16, bottleneck=0, lr=0.05)


def _bars(random: np.random.Generator, places: np.ndarray, light: int) -> np.ndarray:
    x = random.integers(0, 60, (len(places), *SHAPE))
    for image, place in zip(x, places, strict=True):
        image[:, 1 + 2 * place : 3 + 2 * place] += light
    return x.astype(np.uint8)


def _columns(random: np.random.Generator, places: np.ndarray, light: int) -> np.ndarray:
    """[N, 6]: two columns a place."""
    x = random.normal(0, 30, (len(places), 6))
    for row, place in zip(x, places, strict=True):
        row[2 * place : 2 * place + 2] += light
    return x.astype(np.float32)


def _pulses(random: np.random.Generator, places: np.ndarray, light: int) -> np.ndarray:
    """[N, 9, 2]: three times a place."""
    x = random.normal(0, 30, (len(places), 9, 2))
    for row, place in zip(x, places, strict=True):
        row[3 * place : 3 * place + 3] += light
    return x.astype(np.float32)


def _words(random: np.random.Generator, places: np.ndarray, light: int) -> np.ndarray:
    """[N, 7] of 12 words: the three of a place come oftener, in a dim domain by less."""
    own = 3 * places[:, None] + random.integers(0, 3, (len(places), 7))
    return np.where(random.random(own.shape) < light / 255, own, random.integers(0, 12, own.shape)).astype(np.int32)


def _tree(random: np.random.Generator, places: np.ndarray, light: int) -> dict[str, np.ndarray]:
    x = _columns(random, places, light)
    return {"first": x[:, :2].copy(), "others": x[:, 2:].copy()}


INPUTS: dict[str, tuple[Input, Show]] = {
    "image": (Image(), _bars),
    "vector": (Vector(), _columns),
    "sequence": (Sequence(), _pulses),
    "tokens": (Tokens(12), _words),
    "tree": (Vector(), _tree),
}


def tiny_task(
    domains: int = 1,
    targets: int = 1,
    *,
    input: str = "image",
    space: str = "closed",
    real: bool = False,
    protocol: Protocol = PROTOCOL,
) -> TaskData:
    """Bars at one of three places; the target is dimmer and noisier. The same arrays at every call.

    `domains` sources and `targets` targets; each further one is dimmer. `input` is "image" ([8, 8, 1]), "vector" ([6]),
    "sequence" ([9, 2]), "tokens" ([7] of 12) or "tree" (a dict of vectors [2] and [4]). `space` is "closed", "partial",
    "open", "universal", "discovery" or "incremental" (two labels a class). With `real` the labels are the place as a
    number, float32 [N, 1] in -1..1.
    """
    random = np.random.default_rng(0)
    kind, show = INPUTS[input]

    def split(name: str, count: int, light: int) -> Arrays:
        places = np.arange(count, dtype=np.int32) % len(CLASSES)
        y = (places[:, None] - 1).astype(np.float32) if real else places
        return Arrays(show(random, places, light), y, np.array([f"{name}/{row}" for row in range(count)]))

    sources = [f"bars{number}" for number in range(domains)]
    others = ["dim_bars", *(f"dim_bars{number}" for number in range(1, targets))]
    plan = [(name, "train", 48, 180 - 20 * number) for number, name in enumerate(sources)]
    plan += [(name, "test", 21, 180 - 20 * number) for number, name in enumerate(sources)]
    for number, name in enumerate(others):
        plan += [(name, "train", 45, 90 - 15 * number), (name, "test", 27, 90 - 15 * number)]
    splits = {(name, part): split(f"{name}/{part}", count, light) for name, part, count, light in plan}
    names = () if real else CLASSES
    target_kind = "real" if real else "classes"
    made = {
        name: Dataset(name, splits[name, "train"], splits[name, "test"], names, kind, target_kind)
        for name in (*sources, *others)
    }
    if LABELS[space] is not None:
        shots = 2 if space == "incremental" else protocol.shots
        protocol = dataclasses.replace(protocol, labels=LABELS[space], shots=shots)
    return load_task(Task(tuple(sources), tuple(others), protocol), made.__getitem__)
