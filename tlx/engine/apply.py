"""A trained state put together again from its tensors, and its predictions, without the task that it was trained on."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from tlx.contract import Context, State, Strategy
from tlx.data.facts import Facts
from tlx.engine import programs
from tlx.engine.model import Backbone, ModelSpec, Shapes, make_model
from tlx.engine.pretrained import names
from tlx.engine.programs import Observed, Settings, Setup
from tlx.engine.recipe import Recipe
from tlx.engine.saved import restore
from tlx.engine.tables import DeviceData
from tlx.errors import WeightsError
from tlx.ops.paths import by_path

SHOWN = 6


def spec_of(backbone: Backbone, facts: Facts, recipe: Recipe) -> ModelSpec:
    """What a model is shaped by: the facts of a task, and what the recipe says of networks."""
    image = facts.input.kind == "image"
    return ModelSpec(
        backbone=backbone,
        shapes=Shapes.of(facts.x),
        outputs=facts.outputs,
        known=facts.outputs if facts.target_kind == "real" else len(facts.classes),
        kind=facts.input.kind,
        target_kind=facts.target_kind,
        class_names=facts.classes,
        domains=facts.domains,
        rows=tuple(facts.rows.items()),
        bottleneck=recipe.bottleneck,
        dtype=recipe.dtype,
        views=recipe.views,
        mean=_hashable(facts.mean) if image else 0.0,
        std=_hashable(facts.std) if image else 1.0,
        resize=facts.resize,
    )


def _hashable(tree: Any) -> Any:
    """The scale of images: one number, or one for each channel."""
    flat = np.asarray(jax.tree.leaves(tree)[0]).reshape(-1).tolist()
    return flat[0] if len(flat) == 1 else tuple(flat)


def put_together(strategy: Strategy, spec: ModelSpec, phase: str, tensors: Mapping[str, np.ndarray]) -> State:
    """The state of the tensors that `weights_of` gave of a run in this phase.

    Raises:
        WeightsError: the strategy has no such phase; tensors are missing, or of another shape or type.
    """
    model = make_model(spec)
    phases = strategy.phases(model)
    known = [each.name for each in phases]
    if phase not in known:
        raise WeightsError(f"the state is of phase '{phase}'; the strategy has {', '.join(known)}")

    def whole(strategy: Strategy, key: jax.Array) -> State:
        key, *others = jax.random.split(key, len(phases) + 1)
        state = strategy.init(model, key)
        for each, own in zip(strategy.phases(model)[: known.index(phase) + 1], others, strict=False):
            state = each.begin(state, Context(own, jnp.float32(0)))
        return state

    blank = jax.eval_shape(whole, jax.tree.map(jnp.float32, strategy), jax.random.key(0))
    place = {full: name for name, full in names(blank, spec.bottleneck > 0).items()}
    if missing := [name for name in place.values() if name not in tensors]:
        raise WeightsError(f"{len(missing)} tensors are missing: {', '.join(missing[:SHOWN])}")
    leaves = []
    for full, leaf in by_path(blank).items():
        got = tensors[place[full]]
        leaves.append(restore([got], leaf))
        if leaves[-1] is None:
            expected = f"{leaf.dtype} {tuple(leaf.shape)}"
            raise WeightsError(f"tensor '{place[full]}' is {got.dtype} {got.shape}; expected {expected}")
    return jax.tree.unflatten(jax.tree.structure(blank), leaves)


class Applied(NamedTuple):
    """The arrays by which rows are predicted: arguments of the program, never constants in it."""

    settings: Settings
    scale: DeviceData
    state: State


def applied(strategy: Strategy, recipe: Recipe, facts: Facts, state: State) -> Applied:
    """Those of a trained state."""
    settings = jax.tree.map(jnp.float32, Settings(strategy, recipe.traced()))
    return Applied(settings, DeviceData({}, *jax.tree.map(jnp.float32, (facts.mean, facts.std))), state)


def observe(spec: ModelSpec, recipe: Recipe, arrays: Applied, x: Any) -> Observed:
    """Features and logits of rows, x as stored, as a run evaluates them."""
    return programs.probe(Setup(spec, recipe.static(), 0), arrays.settings, (arrays.scale, x), arrays.state, None)
