"""What is asked of a backbone."""

from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from tlx.contract import Model, State
from tlx.engine.groups import flatten
from tlx.engine.model import Frame, make_model
from tlx.errors import TlxError

SHAPES = ((28, 28, 1), (32, 32, 3))


@lru_cache(maxsize=32)
def _built(backbone: Any) -> tuple[Model, State, jax.Array]:
    errors = []
    for shape in SHAPES:
        try:
            model = make_model(Frame(backbone, shape, 10, 4))
        except TlxError as error:
            errors.append(str(error))
            continue
        state = jax.jit(model.init)(jax.random.key(0))
        return model, state, jax.random.normal(jax.random.key(1), (6, *shape))
    raise AssertionError(f"it can be built for none of the shapes {SHAPES}: {'; '.join(errors)}")


def has_a_summary(subject: Any) -> None:
    """Its docstring's first line is what `tlx list` shows."""
    assert (getattr(subject, "__doc__", None) or "").strip(), "give it a docstring; its first line is listed"


def builds(subject: Any) -> None:
    """`backbone(shape, rngs)` builds for 28x28x1 or 32x32x3 and returns features [B, width]."""
    model, state, x = _built(subject)
    features, _ = jax.jit(model.features)(state, x)
    assert features.shape == (6, model.width) and features.dtype == jnp.float32, (
        f"features are {features.dtype}{list(features.shape)}; expected float32[6, {model.width}]"
    )


def starts_from_the_key(subject: Any) -> None:
    """The same key gives the same parameters, another key others."""
    model, state, _ = _built(subject)
    again, other = (jax.jit(model.init)(jax.random.key(seed)) for seed in (0, 1))
    leaves = flatten(state.params["features"])
    same = all(np.array_equal(leaf, flatten(again.params["features"])[path]) for path, leaf in leaves.items())
    assert same, "two builds from one key differ: take randomness from `rngs` only"
    if leaves:
        moved = any(not np.array_equal(leaf, flatten(other.params["features"])[path]) for path, leaf in leaves.items())
        assert moved, "two keys give the same parameters: pass `rngs` on to the layers"


def trains_every_parameter(subject: Any) -> None:
    """Each parameter gets a finite gradient, and none is left out of the forward pass."""
    model, state, x = _built(subject)

    def loss(params):
        features, _ = model.features(state._replace(params={**state.params, "features": params}), x)
        return jnp.sum(features * jax.random.normal(jax.random.key(2), features.shape))

    for path, grad in flatten(jax.jit(jax.grad(loss))(state.params["features"])).items():
        assert np.isfinite(grad).all(), f"the gradient of '{path}' is not finite"
        # A bias before batch norm has a zero gradient by construction, up to rounding: it only has to be connected.
        assert grad.any() or path.endswith("bias"), f"the gradient of '{path}' is zero everywhere: is the layer used?"


def predicts_rows_alone(subject: Any) -> None:
    """In eval mode a row's features do not depend on the other rows, nor on a second call."""
    model, state, x = _built(subject)
    evaluate = jax.jit(lambda s, x: model.features(s, x, train=False))
    whole, after = evaluate(state, x)
    part, _ = evaluate(state, x[:2])
    np.testing.assert_allclose(
        whole[:2], part, rtol=1e-3, atol=1e-4, err_msg="features change with the rest of the batch"
    )
    again, _ = evaluate(after, x)
    assert np.array_equal(whole, again), (
        "a second call in eval mode gives other features: dropout or statistics are still on"
    )


BACKBONE_CHECKS = (has_a_summary, builds, starts_from_the_key, trains_every_parameter, predicts_rows_alone)
