"""What is asked of a strategy.

One compiled program runs the whole of it on a few rows: `init`; of every phase `begin`, the sweeps, `refresh` and some
steps; and `predict`. Each check reads what came out.
"""

import dataclasses
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from tlx.contract import Context, Key, Strategy
from tlx.engine.recipe import Recipe
from tlx.engine.step import start, step
from tlx.ops.paths import by_path
from tlx.testing import probe
from tlx.testing.probe import Probe
from tlx.testing.toy import ROWS

SETTINGS = ("unsupervised", "source-free", "test-time", "semi-supervised", "fine-tuning", "bound")
STEPS = 6  # of each phase
RECIPE = Recipe(name="tiny", lr=0.05, bottleneck=0)


class Outcome(NamedTuple):
    """Logits before the first step and after each phase, and the paths at which a number is not finite."""

    logits: list[np.ndarray]
    broken: list[str]


class Outcomes(NamedTuple):
    """Those of one seed twice, and of another; and what JAX says of a random key that is used twice."""

    first: Outcome
    again: Outcome
    other: Outcome
    reuse: str


def _instance(subject: Any) -> Strategy:
    assert isinstance(subject, Strategy) or (isinstance(subject, type) and issubclass(subject, Strategy)), (
        f"{subject!r} does not derive from tlx.Strategy"
    )
    return subject() if isinstance(subject, type) else subject


def probe_of(strategy: Strategy) -> Probe:
    """A probe on rows of a kind of input, target and label space that the strategy is for."""
    kind = "image" if not strategy.inputs or "image" in strategy.inputs else strategy.inputs[0]
    real = "classes" not in strategy.targets
    more = {"open": 1, "universal": 1, "discovery": 2, "incremental": 2}  # outputs than known classes
    outputs = 3 + (more.get(strategy.spaces[0], 0) if strategy.spaces else 0)
    facts = {"kind": kind, "target_kind": "real" if real else "classes", "outputs": outputs}
    return Probe(strategy, recipe=RECIPE, **facts)


def whole(strategy: Strategy, made: Probe) -> Callable[[Strategy, Any, Any, Key], Any]:
    """The function of a strategy, its rows, its batch and a key that runs all of its phases."""
    model, recipe = made.model, made.recipe

    def run(strategy: Strategy, rows: Any, batch: Any, key: Key) -> Any:
        init_key, key = jax.random.split(key)
        state, logits, metrics = strategy.init(model, init_key), [], {}
        for number, phase in enumerate(strategy.phases(model)):
            key, begin_key, refresh_key, steps_key = jax.random.split(key, 4)
            state = phase.begin(state, Context(begin_key, jnp.float32(0)))
            if not number:
                logits.append(strategy.predict(model, state, batch.target.x))
            swept = probe.sweep(strategy, model, phase, state, rows, ROWS)
            state = probe.refresh(strategy, model, phase, state, swept, Context(refresh_key, jnp.float32(0)))
            program = probe.program(strategy, phase, recipe)
            seen = probe.shown(strategy, phase, batch)

            def once(carry: Any, now: Any, program: Any = program, seen: Any = seen) -> Any:
                return step(program, carry, seen, *now)

            steps = jax.random.split(steps_key, STEPS), jnp.linspace(0, 1, STEPS)
            carry, metrics[phase.name] = jax.lax.scan(once, start(program, state), steps)
            state = carry.state
            logits.append(strategy.predict(model, state, batch.target.x))
        finite = jax.tree.map(lambda leaf: jnp.isfinite(leaf).all(), (metrics, state.params, logits))
        return logits, dict(zip(("metrics", "params", "logits"), finite, strict=True))

    return run


@lru_cache(maxsize=64)
def _outcomes(strategy: Strategy) -> Outcomes:
    made = probe_of(strategy)
    run = jax.jit(whole(strategy, made))

    def once(seed: int) -> Outcome:
        logits, finite = run(strategy, made.rows, made.batch, jax.random.key(seed))
        broken = [path for path, fine in by_path(finite).items() if not fine]
        return Outcome([np.asarray(each) for each in logits], broken)

    try:
        with jax.debug_key_reuse(True):
            return Outcomes(once(0), once(0), once(1), "")
    except jax.errors.KeyReuseError as error:
        reuse = str(error).splitlines()[0]
    with jax.debug_key_reuse(False):
        return Outcomes(once(0), once(0), once(1), reuse)


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


def _float_fields(strategy: Any) -> list[str]:
    """The names of the float fields that are not static; of a sum of strategies, those of its parts."""
    fields = dataclasses.fields(strategy)
    names = [field.name for field in fields if field.type in (float, "float") and not field.metadata.get("static")]
    return names + [name for part in getattr(strategy, "parts", ()) for name in _float_fields(part)]


def settings_are_leaves_or_static(subject: Any) -> None:
    """Float fields are leaves of the pytree, but for those of `tlx.static`; all others can be hashed."""
    strategy = _instance(subject)
    traced, leaves = _float_fields(strategy), jax.tree.leaves(strategy)
    assert len(leaves) == len(traced), (
        f"the float fields are {traced}, the leaves {leaves}; annotate float settings as float"
    )
    for field in dataclasses.fields(strategy):  # pyright: ignore[reportArgumentType]
        value = getattr(strategy, field.name)
        try:
            hash(value)
        except TypeError:
            raise AssertionError(f"field '{field.name}' is {value!r}, which cannot be hashed; use a tuple") from None


def trains(subject: Any) -> None:
    """It runs through all of its phases on a few rows, keeping the contract at every step."""
    assert _outcomes(_instance(subject)).first.logits, "it has no phase"


def stays_finite(subject: Any) -> None:
    """Losses, parameters and logits are finite after some steps at a moderate learning rate."""
    outcomes = _outcomes(_instance(subject))
    for outcome in (outcomes.first, outcomes.other):
        assert not outcome.broken, (
            f"NaN or infinite after {STEPS} steps of each phase: {', '.join(outcome.broken)}; "
            "guard log(0), division by zero and sqrt at zero"
        )


def learns_from_what_it_sees(subject: Any) -> None:
    """Its predictions move during training, and differ between seeds."""
    outcomes = _outcomes(_instance(subject))
    begun, *later = outcomes.first.logits
    moved = [not np.array_equal(begun, logits) for logits in later]
    assert any(moved), "the logits are the same after every phase: no parameter moves"
    assert not np.array_equal(later[-1], outcomes.other.logits[-1]), (
        "two seeds give the same logits: use the key that `init` and the context give"
    )


def is_deterministic(subject: Any) -> None:
    """The same seed gives the same logits, bit for bit."""
    outcomes = _outcomes(_instance(subject))
    same = [np.array_equal(*pair) for pair in zip(outcomes.first.logits, outcomes.again.logits, strict=True)]
    assert all(same), "two runs from the same seed differ: draw randomness from context.key only"


def uses_each_key_once(subject: Any) -> None:
    """No random key is used twice: what is drawn from it is then the same, or depends on each other."""
    reuse = _outcomes(_instance(subject)).reuse
    assert not reuse, f"a random key is used twice: {reuse} Split it: first, second = jax.random.split(key)"


STRATEGY_CHECKS = (
    is_decorated,
    has_a_summary,
    has_a_known_setting,
    settings_are_leaves_or_static,
    trains,
    stays_finite,
    learns_from_what_it_sees,
    is_deterministic,
    uses_each_key_once,
)
