import numpy as np
import pytest

from tlx.engine.recipe import Recipe
from tlx.runs.result import Environment, Result, Score, Selection, Times
from tlx.runs.spec import Spec

RECIPE = Recipe(name="short", steps=6)


@pytest.fixture
def make():
    """Makes a result with given accuracies under "last", "source-val" and "oracle"."""

    def make(strategy, last=(), oracle=(), source_val=(), task="a->b", collapsed=(), **changes):
        spec_changes = {
            key: changes.pop(key)
            for key in ("protocol", "settings", "backbone", "recipe", "suite", "seeds")
            if key in changes
        }
        spec = {
            "task": task,
            "protocol": "p-28",
            "strategy": strategy,
            "settings": (),
            "backbone": "net",
            "recipe": RECIPE,
            "seeds": tuple(range(len(last) or 3)),
        }

        def selection(values, labels, collapsed=()):
            scores = [
                Score(6, value, [value], value, [[1]], 0.1, bool(collapsed) and collapsed[seed])
                for seed, value in enumerate(values)
            ]
            return Selection(labels, scores)

        selections = {"last": selection(last, False, collapsed)} if last else {}
        selections |= {"source-val": selection(source_val, False)} if source_val else {}
        selections |= {"oracle": selection(oracle, True)} if oracle else {}
        fields = {
            "command": "tlx run",
            "status": "finished" if last else "failed",
            "environment": Environment({}, None, "cpu"),
            "times": Times("2024-01-01T00:00:00+00:00", 12.34),
            "diverged": [False] * len(last),
            "sees": ("source", "target"),
        }
        return Result(Spec(**(spec | spec_changes)), selections=selections, **(fields | changes))

    return make


@pytest.fixture
def results(make):
    """A report with everything in it: gains, negative transfer, bounds, collapse, divergence, a failure."""
    bound = {"setting": "bound"}
    return [
        make("target_only", (0.9, 0.92, 0.94), (0.93, 0.93, 0.95), sees=("labelled",), **bound),
        make("mmd", (0.7, 0.72, 0.8), (0.8, 0.8, 0.8), collapsed=(False, True, False), diverged=[True, False, False]),
        make("source_only", (0.3, 0.4, 0.5), (0.5, 0.5, 0.5), sees=("source",), **bound),
        make("coral", (0.2, 0.3, 0.25), (0.4, 0.4, 0.4)),
        make("dann", error="ValueError: no | good\nat all"),
    ]


@pytest.fixture
def kept():
    """What a run keeps to be looked at: two rows of each domain, one image of each."""
    return {
        "points": np.zeros((2, 4, 2), np.float32),
        "predicted": np.array([[0, 1, 0, 1]] * 2, np.int16),
        "steps": np.array([2, 6]),
        "source": np.array([True, True, False, False]),
        "y": np.array([0, 1, 1, 1], np.int16),
        "images": np.full((2, 8, 8, 3), 128, np.uint8),
        "shown": np.array([0, 2]),
        "classes": np.array(["x", "y"]),
    }


@pytest.fixture
def figure():
    """A published figure with its verdict, as `tlx.reproduce.published` gives it."""
    return {
        "table": "t", "paper": "Doe <b>, Table 1", "source": "the paper", "label": "DAN", "theirs": 82.1,
        "theirs_spread": 0.5, "theirs_n": 1, "theirs_selection": "oracle", "selection": "last", "tolerance": 3.0,
        "outcome": "lower", "why": "short",
    }  # fmt: skip
