"""What is asked of a backbone.

One program is compiled for all checks. A backbone that is large may have a class method `tiny()` that gives a small
member of its family, made by the same code: that member is compiled, and the shapes of the backbone itself are checked
without compiling anything.
"""

from functools import lru_cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from tlx.contract import Model, State, Tree
from tlx.engine.model import ModelSpec, Shapes, make_model
from tlx.errors import TlxError
from tlx.ops.paths import by_path

SHAPES = {(28, 28, 1): "image", (32, 32, 3): "image", (32, 3): "sequence", (16,): "vector"}
ROWS = 6


class Outcome(NamedTuple):
    """What the one program gives."""

    params: Tree  # [2, ...]: for two keys
    grads: Tree  # of a random direction in features and logits, in train mode
    evaluated: dict[str, jax.Array]  # [3, rows, ...]: as they are; with other rows after the second; with other `stats`


@lru_cache(maxsize=64)
def _model(backbone: Any) -> tuple[Model, tuple[int, ...]]:
    """Its model for the first of `SHAPES` that it can be built for, and the shape."""
    errors = []
    for shape, kind in SHAPES.items():
        rows = jax.ShapeDtypeStruct((ROWS, *shape), "float32")
        try:
            return make_model(ModelSpec(backbone, Shapes.of(rows), outputs=10, known=10, kind=kind)), shape
        except TlxError as error:
            errors.append(str(error))
    raise AssertionError(f"it can be built for none of the shapes {', '.join(map(str, SHAPES))}: {'; '.join(errors)}")


def _small(backbone: Any) -> Any:
    """What is compiled of a backbone: a small member of its family, or itself."""
    return backbone.tiny() if hasattr(backbone, "tiny") else backbone


def _apply(model: Model, state: State, x: jax.Array, train: bool) -> dict[str, jax.Array]:
    features, state = model.features(state, x, train=train)
    logits, _ = model.classify(state, features, train=train)
    return {"features": features, "logits": logits}


@lru_cache(maxsize=32)
def _outcome(backbone: Any) -> Outcome:
    model, shape = _model(backbone)

    @jax.jit
    def run(key: jax.Array) -> Outcome:
        states = jax.vmap(model.init)(jax.random.split(key))
        state = jax.tree.map(lambda leaf: leaf[0], states)
        x, *ways = (jax.random.normal(jax.random.fold_in(key, i), (ROWS, *size)) for i, size in enumerate(sizes))

        def loss(params: Tree) -> jax.Array:
            out = _apply(model, state._replace(params=params), x, train=True)
            return jnp.stack([jnp.vdot(part, way) for part, way in zip(out.values(), ways, strict=True)]).sum()

        stats = jax.tree.map(lambda leaf: leaf[jnp.array([0, 0, 1])], states.stats)
        inputs = jnp.stack([x, jnp.concatenate([x[:2], 3 * x[2:]]), x])
        evaluated = jax.lax.map(lambda one: _apply(model, state._replace(stats=one[0]), one[1], False), (stats, inputs))
        return Outcome(states.params, jax.grad(loss)(state.params), evaluated)

    sizes = shape, (model.width,), (10,)
    return jax.device_get(run(jax.random.key(0)))


def has_a_summary(subject: Any) -> None:
    """Its docstring's first line is what `tlx list` shows."""
    assert (getattr(subject, "__doc__", None) or "").strip(), "give it a docstring; its first line is listed"


def builds(subject: Any) -> None:
    """`backbone(shape, rngs)` builds for one of the shapes of the checks, and returns float32 features [B, width]."""
    model, shape = _model(subject)
    state = jax.eval_shape(model.init, jax.random.key(0))
    x = jax.ShapeDtypeStruct((ROWS, *shape), "float32")
    features = jax.eval_shape(lambda state, x: _apply(model, state, x, train=True), state, x)["features"]
    assert features.shape == (ROWS, model.width) and features.dtype == jnp.float32, (
        f"features are {features.dtype}{list(features.shape)}; expected float32[{ROWS}, {model.width}]"
    )


def has_one_structure(subject: Any) -> None:
    """Two builds have the same structure, so that one compiled program serves both."""
    model, _ = _model(_small(subject))
    first, second = (jax.tree.structure(jax.eval_shape(model.init, jax.random.key(0))) for _ in range(2))
    assert first == second, (
        "two builds differ in structure: a layer holds a function that `__init__` makes anew (a lambda, a partial); "
        "make it once, at the top of the file"
    )


def starts_from_the_key(subject: Any) -> None:
    """The same key gives the same parameters, another key others."""
    model, _ = _model(_small(subject))
    first, again = (jax.make_jaxpr(lambda key: model.init(key))(jax.random.key(0)) for _ in range(2))
    same = str(first) == str(again) and all(map(np.array_equal, first.consts, again.consts))
    assert same, "two builds from one key differ: take randomness from `rngs` only"
    leaves = by_path(_outcome(_small(subject)).params["features"]).values()
    moved = any(not np.array_equal(one, other) for one, other in leaves)
    assert moved or not leaves, "two keys give the same parameters: pass `rngs` on to the layers"


def trains_every_parameter(subject: Any) -> None:
    """Each parameter, the classifier's too, gets a finite gradient, and none is left out of the forward pass."""
    for path, grad in by_path(_outcome(_small(subject)).grads).items():
        assert np.isfinite(grad).all(), f"the gradient of '{path}' is not finite"
        # A bias before batch norm has a zero gradient by construction, up to rounding: it only has to be connected.
        assert grad.any() or path.endswith("bias"), f"the gradient of '{path}' is zero everywhere: is the layer used?"


def predicts_rows_alone(subject: Any) -> None:
    """In eval mode a row's features and logits depend neither on the other rows nor on carried random keys."""
    for name, (whole, mixed, again) in _outcome(_small(subject)).evaluated.items():
        np.testing.assert_allclose(
            mixed[:2], whole[:2], rtol=1e-3, atol=1e-4, err_msg=f"{name} change with the rest of the batch"
        )
        assert np.array_equal(whole, again), (
            f"{name} change with the random keys that the network carries: dropout is still on in eval mode"
        )


BACKBONE_CHECKS = (
    has_a_summary,
    builds,
    has_one_structure,
    starts_from_the_key,
    trains_every_parameter,
    predicts_rows_alone,
)
