"""A teacher beside the student: copies of its networks, whose parameters are the moving average of its own."""

import jax
import jax.numpy as jnp

from tlx.contract import Inputs, Logits, Model, State
from tlx.ops import ema

TEACHER = "teacher_"
MASS = "teacher_mass"


def with_teacher(
    model: Model, state: State, nets: tuple[str, ...] = ("features", "head"), debias: bool = False
) -> State:
    """The state with a teacher equal to the student: a copy "teacher_NET" of each network.

    With `debias` the teacher's first value does not count: after n steps it is the average of n students alone.
    """
    for net in nets:
        state = model.copy(state, net, TEACHER + net)
    return state.put(**{MASS: jnp.float32(not debias)})


def follow(model: Model, state: State, decay: float | jax.Array, statistics: bool = False) -> State:
    """teacher = decay teacher + (1 - decay) student; `statistics` hands the student's batch-norm statistics over.

    While its mass m is below 1 (`debias`): m' = decay m + 1 - decay, teacher = (decay m teacher + (1 - decay) student)
    / m'.
    """
    before, mass = state.params, decay * state.extra[MASS] + (1 - decay)
    for net in [name for name in before if TEACHER + name in before]:
        teacher = ema(before[TEACHER + net], before[net], decay * state.extra[MASS] / mass)
        state = model.copy(state, net, TEACHER + net) if statistics else state
        state = state.put_params(**{TEACHER + net: teacher})
    return state.put(**{MASS: mass})


def teacher_logits(model: Model, state: State, x: Inputs, train: bool = False) -> tuple[Logits, State]:
    """The teacher's logits, and the state with what its networks have moved in train mode."""
    features, state = model.features(state, x, net=TEACHER + "features", train=train)
    return model.classify(state, features, net=TEACHER + "head", train=train)
