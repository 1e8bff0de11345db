"""From recipe to optax: one optimizer state per group, learning rates by schedule, phase and path."""

from fnmatch import fnmatchcase
from typing import Any

import jax
import jax.numpy as jnp
import optax

from tlx.engine.groups import Flat, fits
from tlx.engine.recipe import Recipe

Hyper = dict[str, Any]  # Recipe.hyper(), traced
Rates = tuple[tuple[str, Any], ...]


def schedule(name: str, hyper: Hyper, progress: jax.Array) -> jax.Array:
    """The factor of the schedule of this name at `progress` in [0, 1]: see `Recipe`."""
    warmup = hyper["warmup"]
    risen = jnp.where(progress < warmup, progress / jnp.maximum(warmup, 1e-12), 1.0)
    if name == "inverse":
        return risen * (1 + hyper["gamma"] * progress) ** -hyper["power"]
    if name == "cosine":
        left = (progress - warmup) / jnp.maximum(1 - warmup, 1e-12)
        return risen * 0.5 * (1 + jnp.cos(jnp.pi * jnp.maximum(left, 0)))
    if name == "step":
        drops = _whole(hyper["power"] * progress) - _whole(hyper["power"] * warmup)
        return risen * hyper["gamma"] ** jnp.maximum(drops, 0)
    return risen * jnp.ones_like(progress)


def _whole(value: jax.Array) -> jax.Array:
    """The floor, of a number that may be a rounding error below a whole one."""
    return jnp.floor(value + 1e-5)


def transform(recipe: Recipe, hyper: Hyper) -> optax.GradientTransformation:
    """The direction of descent, before the learning rate."""
    clip = [optax.clip_by_global_norm(hyper["clip"])] if recipe.clip > 0 else []
    decay = optax.add_decayed_weights(hyper["weight_decay"])
    if recipe.optimizer == "sgd":
        return optax.chain(*clip, decay, optax.trace(hyper["momentum"], recipe.nesterov))
    adam = optax.scale_by_adam(hyper["beta1"], hyper["beta2"])
    return optax.chain(*clip, adam, decay) if recipe.optimizer == "adamw" else optax.chain(*clip, decay, adam)


def rate(recipe: Recipe, phase: str, path: str) -> tuple[float, str]:
    """The multiplier that `recipe.rates` gives to a path in a phase, and the name of its schedule."""
    found = next((entry for entry in recipe.rates if fnmatchcase(f"{phase}/{path}", entry[0])), ("", 1.0))
    return found[1], found[2] if len(found) > 2 else recipe.schedule


def update(
    recipe: Recipe,
    hyper: Hyper,
    phase: str,
    lr: jax.Array,
    progress: jax.Array,
    grads: Flat,
    state: optax.OptState,
    params: Flat,
    rates: Rates = (),
) -> tuple[Flat, optax.OptState]:
    """One step of one group, from the learning rate before its schedule: the new leaves and the new optimizer state.

    `rates` are those of the phase.
    """
    direction: Flat
    direction, state = transform(recipe, hyper).update(grads, state, params)  # pyright: ignore[reportAssignmentType]

    of_recipe = {path: rate(recipe, phase, path) for path in params}
    names = dict.fromkeys(name for _, name in of_recipe.values())
    scheduled = {name: lr * schedule(name, hyper, progress) for name in names}

    def moved(path: str, leaf: jax.Array) -> jax.Array:
        value, name = of_recipe[path]
        own = next((value for globs, value in rates if fits(path, globs)), 1.0)
        return leaf - scheduled[name] * value * own * direction[path]

    return {path: moved(path, leaf) for path, leaf in params.items()}, state
