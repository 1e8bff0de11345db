"""From recipe to optax: one optimizer state per group, learning rates by schedule, phase and path."""

import functools
import importlib
import inspect
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from tlx.engine.groups import Flat, fits
from tlx.engine.recipe import SCHEDULES, Recipe
from tlx.errors import SettingError, nearest

Traced = Mapping[str, Any]  # Recipe.traced(), as arrays
RESOLUTION = 1_000_000  # steps of a whole phase, as the schedules of optax count them
OF_THE_RUN = frozenset({"name", "steps", "rounds", "eval_batch", "bottleneck", "dtype", "views", "phases"})


class Descent(NamedTuple):
    """How a phase descends: its recipe, the floats of it, the phase's name, rate and rates by glob."""

    recipe: Recipe
    traced: Traced
    phase: str
    rate: Any
    rates: tuple[tuple[str, Any], ...] = ()


def descent(recipe: Recipe, traced: Traced, phase: Any) -> Descent:
    """The descent of a phase, whose `recipe` overrides fields of the run's, and `phases` of the run's those.

    Raises:
        SettingError: an unknown field, optimizer or schedule, or a field that is the whole run's.
    """
    changes = recipe.of_phase(phase.name, phase.recipe)
    if whole := sorted({*changes} & OF_THE_RUN):
        raise SettingError(
            f"phase {phase.name}: its recipe has {', '.join(whole)}, which a whole run has but once; a phase's share "
            "of steps and rounds is its `share`"
        )
    floats = {name: value for name, value in changes.items() if name in traced}
    others = {name: value for name, value in changes.items() if name not in floats}
    if "clip" in floats:
        others["clip"] = 1.0 if floats["clip"] else 0.0
    own = recipe.replace(**others) if others else recipe
    _factory(own)
    for name in (own.schedule, *(entry[2] for entry in own.rates if len(entry) > 2)):
        check_schedule(name, own)
    return Descent(own, {**traced, **floats}, phase.name, phase.rate, phase.rates)


def check_schedule(name: str, recipe: Recipe) -> None:
    """Raises SettingError where a recipe names a schedule that neither tlx nor optax has, or its options do not fit."""
    if name in SCHEDULES:
        return
    try:
        _optax_schedule(name, recipe.schedule_options)
    except (AttributeError, TypeError, ValueError) as error:
        known = [*SCHEDULES, *_schedules()]
        guess = " or ".join(nearest(name, known)) or ", ".join(SCHEDULES)
        raise SettingError(f"recipe '{recipe.name}': schedule '{name}': {error}; nearest: {guess}") from None


@functools.cache
def _schedules() -> list[str]:
    return [name for name in dir(optax.schedules) if name.endswith(("_schedule", "_decay"))]


@functools.lru_cache(maxsize=32)
def _optax_schedule(name: str, options: tuple) -> Callable[[Any], Any]:
    factory = getattr(optax.schedules, name) if name in _schedules() else None
    if factory is None:
        raise AttributeError("optax has no such schedule")
    parameters = inspect.signature(factory).parameters
    first = 0.0 if name.startswith("warmup") else 1.0
    given: dict[str, Any] = {"init_value": first, "value": 1.0, "peak_value": 1.0}
    given = {key: value for key, value in given.items() if key in parameters} | dict(options)
    for key in given:
        if key.endswith("steps") or key == "transition_begin":
            given[key] = max(1, round(given[key] * RESOLUTION))
    for key in ("transition_steps", "decay_steps"):
        if key in parameters and key not in given:
            given[key] = RESOLUTION
    return factory(**given)


def schedule(name: str, recipe: Recipe, traced: Traced, progress: jax.Array) -> jax.Array:
    """The factor of the schedule of this name at `progress` in [0, 1]: see `Recipe`."""
    warmup = traced["warmup"]
    risen = jnp.where(progress < warmup, progress / jnp.maximum(warmup, 1e-12), 1.0)
    if name == "constant":
        return risen * jnp.ones_like(progress)
    if name == "inverse":
        return risen * (1 + traced["gamma"] * progress) ** -traced["power"]
    if name == "cosine":
        left = (progress - warmup) / jnp.maximum(1 - warmup, 1e-12)
        return risen * 0.5 * (1 + jnp.cos(jnp.pi * jnp.maximum(left, 0)))
    if name == "step":
        drops = _whole(traced["power"] * progress) - _whole(traced["power"] * warmup)
        return risen * traced["gamma"] ** jnp.maximum(drops, 0)
    return risen * _optax_schedule(name, recipe.schedule_options)(progress * RESOLUTION)


def _whole(value: jax.Array) -> jax.Array:
    """The floor, of a number that may be a rounding error below a whole one."""
    return jnp.floor(value + 1e-5)


def _factory(recipe: Recipe) -> Callable[..., optax.GradientTransformation]:
    name = recipe.optimizer
    if ":" in name:
        module, _, function = name.partition(":")
        try:
            return getattr(importlib.import_module(module), function)
        except (ImportError, AttributeError) as error:
            raise SettingError(f"recipe '{recipe.name}': optimizer '{name}': {error}") from None
    factory: Any = getattr(optax, name, None)
    if not _is_optimizer(factory):
        guess = " or ".join(nearest(name, _optimizers())) or ", ".join(_optimizers())
        raise SettingError(f"recipe '{recipe.name}': optax has no optimizer '{name}'; nearest: {guess}")
    return factory


@functools.cache
def _optimizers() -> list[str]:
    return [name for name, _ in inspect.getmembers(optax, _is_optimizer)]


def _is_optimizer(value: Any) -> bool:
    function = inspect.isfunction(value) or isinstance(value, functools.partial)  # optax.nadam is a partial
    return function and "learning_rate" in inspect.signature(value).parameters


def transform(recipe: Recipe, traced: Traced) -> optax.GradientTransformation:
    """The step of learning rate 1.

    Raises:
        SettingError: an optimizer that optax lacks, or an option that it does not take.
    """
    factory = _factory(recipe)
    parameters = inspect.signature(factory).parameters
    known: dict[str, Any] = {"b1": traced["beta1"], "b2": traced["beta2"], "weight_decay": traced["weight_decay"]}
    if recipe.optimizer == "sgd":
        known |= {"momentum": traced["momentum"], "nesterov": recipe.nesterov}
    given = {key: value for key, value in known.items() if key in parameters} | dict(recipe.options)
    try:
        step = factory(learning_rate=1.0, **given)
    except TypeError as error:
        raise SettingError(f"recipe '{recipe.name}': optimizer '{recipe.optimizer}': {error}") from None
    clip = [optax.clip_by_global_norm(traced["clip"])] if recipe.clip > 0 else []
    decay = [] if "weight_decay" in given else [optax.add_decayed_weights(traced["weight_decay"])]
    return optax.chain(*clip, *decay, step)


def rate(recipe: Recipe, phase: str, path: str) -> tuple[float, str]:
    """The multiplier that `recipe.rates` gives to a path in a phase, and the name of its schedule."""
    entry = next((entry for entry in recipe.rates if fnmatchcase(f"{phase}/{path}", entry[0])), ("", 1.0))
    return entry[1], entry[2] if len(entry) > 2 else recipe.schedule


def update(
    how: Descent, progress: jax.Array, grads: Flat, state: optax.OptState, params: Flat
) -> tuple[Flat, optax.OptState]:
    """One step of one group: the new leaves and the new optimizer state."""
    step: Flat
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):  # optax relies on both
        step, state = transform(how.recipe, how.traced).update(grads, state, params)  # pyright: ignore[reportAssignmentType]
    lr = how.traced["lr"] * how.rate
    of_recipe = {path: rate(how.recipe, how.phase, path) for path in params}
    names = dict.fromkeys(name for _, name in of_recipe.values())
    scheduled = {name: lr * schedule(name, how.recipe, how.traced, progress) for name in names}

    def moved(path: str, leaf: jax.Array) -> jax.Array:
        value, name = of_recipe[path]
        own = next((value for globs, value in how.rates if fits(path, globs)), 1.0)
        return leaf + scheduled[name] * value * own * step[path]

    return {path: moved(path, leaf) for path, leaf in params.items()}, state
