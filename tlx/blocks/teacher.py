"""A teacher in `State.extra`: the moving average of the student's parameters."""

import jax
import jax.numpy as jnp

from tlx.contract import State
from tlx.ops import ema


def with_teacher(state: State, debias: bool = False) -> State:
    """The state with a teacher equal to the student.

    With `debias` the teacher's first value does not count: after n steps it is the average of n students alone.
    """
    teacher = {"params": state.params, "features": state.extra["features"], "mass": jnp.float32(not debias)}
    return state._replace(extra={**state.extra, "teacher": teacher})


def as_teacher(state: State) -> State:
    """The state with the teacher's parameters and batch-norm statistics in the student's place."""
    teacher = state.extra["teacher"]
    return state._replace(params=teacher["params"], extra={**state.extra, "features": teacher["features"]})


def saw(state: State, seen: State) -> State:
    """`state`, its teacher with the statistics that `seen`, a state as the teacher's, has come to."""
    teacher = {**state.extra["teacher"], "features": seen.extra["features"]}
    return state._replace(extra={**state.extra, "teacher": teacher})


def follow(state: State, decay: float | jax.Array, statistics: bool = False) -> State:
    """teacher = decay teacher + (1 - decay) student; `statistics` hands the student's batch-norm statistics over.

    While its mass m is below 1 (`debias`): m' = decay m + 1 - decay, teacher = (decay m teacher + (1 - decay) student)
    / m'.
    """
    teacher = state.extra["teacher"]
    mass = decay * teacher["mass"] + (1 - decay)
    moved = {
        "params": ema(teacher["params"], state.params, decay * teacher["mass"] / mass),
        "features": state.extra["features"] if statistics else teacher["features"],
        "mass": mass,
    }
    return state._replace(extra={**state.extra, "teacher": moved})
