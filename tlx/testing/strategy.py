"""What is asked of a strategy."""

import dataclasses
from functools import lru_cache
from typing import Any

import jax
import numpy as np

from tlx.contract import Strategy
from tlx.engine.feed import FIELDS
from tlx.engine.model import Frame, make_model
from tlx.engine.train import Outcome, train
from tlx.testing.tiny import TinyBN, tiny_recipe, tiny_task

SETTINGS = ("unsupervised", "source-free", "test-time", "semi-supervised", "fine-tuning", "bound")


def _instance(subject: Any) -> Strategy:
    assert isinstance(subject, Strategy) or (isinstance(subject, type) and issubclass(subject, Strategy)), (
        f"{subject!r} does not derive from tlx.Strategy"
    )
    return subject() if isinstance(subject, type) else subject


@lru_cache(maxsize=64)
def _outcome(strategy: Strategy, seeds: tuple[int, ...], run: int) -> Outcome:
    return train(strategy, TinyBN, tiny_task(), tiny_recipe(), seeds)


def is_decorated(subject: Any) -> None:
    """It is a frozen dataclass registered as a pytree."""
    strategy = _instance(subject)
    assert "__dataclass_params__" in vars(type(strategy)), f"put @tlx.strategy above class {type(strategy).__name__}"


def has_a_summary(subject: Any) -> None:
    """Its docstring's first line is what `tlx list` shows."""
    kind = type(_instance(subject))
    doc = (vars(kind).get("__doc__") or "").strip()
    assert doc and not doc.startswith(f"{kind.__name__}("), (
        f"give class {kind.__name__} a docstring; its first line is listed"
    )


def has_a_known_setting(subject: Any) -> None:
    """Its class constant `setting` is one of those that `Strategy` names."""
    strategy = _instance(subject)
    assert strategy.setting in SETTINGS, f"`setting` is {strategy.setting!r}; expected one of {', '.join(SETTINGS)}"


def needs_what_it_sees(subject: Any) -> None:
    """Its class constant `needs` names what its phases see, in this order: "source, target, labelled"."""
    strategy = _instance(subject)
    data = tiny_task()
    model = make_model(Frame(TinyBN, data.source.x.shape[1:], len(data.classes), len(data.target_x)))
    seen = frozenset().union(*(phase.sees for phase in strategy.phases(model)))
    wanted = ", ".join(field for field in FIELDS if field in seen)
    assert strategy.needs == wanted, f"`needs` is {strategy.needs!r}, its phases see {wanted!r}: set needs = {wanted!r}"


def settings_are_leaves_or_static(subject: Any) -> None:
    """Float fields are leaves of the pytree, all others can be hashed."""
    strategy = _instance(subject)
    fields = dataclasses.fields(strategy)  # pyright: ignore[reportArgumentType]
    floats = [field.name for field in fields if field.type in (float, "float")]
    leaves = jax.tree.leaves(strategy)
    assert len(leaves) == len(floats), (
        f"the float fields are {floats}, the leaves {leaves}; annotate float settings as float"
    )
    for field in fields:
        value = getattr(strategy, field.name)
        try:
            hash(value)
        except TypeError:
            raise AssertionError(f"field '{field.name}' is {value!r}, which cannot be hashed; use a tuple") from None


def trains(subject: Any) -> None:
    """It runs through all of its phases on a tiny task, keeping the contract at every step."""
    outcome = _outcome(_instance(subject), (0, 1), 0)
    assert outcome.evaluations, "nothing was evaluated"


def stays_finite(subject: Any) -> None:
    """Losses, parameters and logits are finite after twelve steps at a moderate learning rate."""
    outcome = _outcome(_instance(subject), (0, 1), 0)
    assert not any(outcome.diverged), (
        f"a loss or parameter is NaN or infinite after {outcome.steps} steps; "
        "guard log(0), division by zero and sqrt at zero"
    )
    for evaluation in outcome.evaluations:
        assert np.isfinite(evaluation.target_logits).all(), (
            f"`predict` gives NaN or infinite logits in phase {evaluation.phase}"
        )


def learns_from_what_it_sees(subject: Any) -> None:
    """Its predictions move during training, and differ between seeds."""
    outcome = _outcome(_instance(subject), (0, 1), 0)
    last = outcome.evaluations[-1].target_logits
    moved = [not np.array_equal(last, other.target_logits) for other in outcome.evaluations[:-1]]
    assert any(moved) or len(outcome.evaluations) == 1, "the logits are the same after every round: no parameter moves"
    assert not np.array_equal(last[0], last[1]), (
        "two seeds give the same logits: use the key that `init` and the context give"
    )


def is_deterministic(subject: Any) -> None:
    """The same seed gives the same logits, bit for bit."""
    first, again = (_outcome(_instance(subject), (0, 1), run).evaluations[-1].target_logits for run in (0, 1))
    assert np.array_equal(first, again), "two runs from the same seed differ: draw randomness from context.key only"


STRATEGY_CHECKS = (
    is_decorated,
    has_a_summary,
    has_a_known_setting,
    needs_what_it_sees,
    settings_are_leaves_or_static,
    trains,
    stays_finite,
    learns_from_what_it_sees,
    is_deterministic,
)
