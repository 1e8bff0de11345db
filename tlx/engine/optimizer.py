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


def schedule(recipe: Recipe, hyper: Hyper, progress: jax.Array) -> jax.Array:
    """The schedule's factor at `progress` in [0, 1]: see `Recipe`."""
    warmup = hyper["warmup"]
    risen = jnp.where(progress < warmup, progress / jnp.maximum(warmup, 1e-12), 1.0)
    if recipe.schedule == "inverse":
        return risen * (1 + hyper["gamma"] * progress) ** -hyper["power"]
    if recipe.schedule == "cosine":
        left = (progress - warmup) / jnp.maximum(1 - warmup, 1e-12)
        return risen * 0.5 * (1 + jnp.cos(jnp.pi * jnp.maximum(left, 0)))
    if recipe.schedule == "step":
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


def rate(recipe: Recipe, phase: str, path: str) -> float:
    """The multiplier that `recipe.rates` gives to a path in a phase."""
    return next((value for glob, value in recipe.rates if fnmatchcase(f"{phase}/{path}", glob)), 1.0)


def update(
    recipe: Recipe,
    hyper: Hyper,
    phase: str,
    lr: jax.Array,
    grads: Flat,
    state: optax.OptState,
    params: Flat,
    rates: Rates = (),
) -> tuple[Flat, optax.OptState]:
    """One step of one group: the new leaves and the new optimizer state. `rates` are those of the phase."""
    direction: Flat
    direction, state = transform(recipe, hyper).update(grads, state, params)  # pyright: ignore[reportAssignmentType]
    new = {}
    for path, leaf in params.items():
        own = next((value for globs, value in rates if fits(path, globs)), 1.0)
        new[path] = leaf - lr * rate(recipe, phase, path) * own * direction[path]
    return new, state
