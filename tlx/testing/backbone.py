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


@lru_cache(maxsize=32)
def _passed(backbone: Any) -> tuple[jax.Array, jax.Array, Any]:
    """Features, logits, and the gradient of a random direction in both, in training mode."""
    model, state, x = _built(backbone)

    def loss(params):
        features, after = model.features(state._replace(params=params), x)
        logits, _ = model.classify(after, features)
        ways = (jax.random.normal(jax.random.key(2), out.shape) for out in (features, logits))
        return sum(jnp.sum(out * way) for out, way in zip((features, logits), ways, strict=True)), (features, logits)

    grads, (features, logits) = jax.jit(jax.grad(loss, has_aux=True))(state.params)
    return features, logits, grads


def builds(subject: Any) -> None:
    """`backbone(shape, rngs)` builds for 28x28x1 or 32x32x3 and returns features [B, width]."""
    model, _, _ = _built(subject)
    features, _, _ = _passed(subject)
    assert features.shape == (6, model.width) and features.dtype == jnp.float32, (
        f"features are {features.dtype}{list(features.shape)}; expected float32[6, {model.width}]"
    )


def starts_from_the_key(subject: Any) -> None:
    """The same key gives the same parameters, another key others."""
    model, state, _ = _built(subject)
    again, other = (jax.jit(model.init)(jax.random.key(seed)) for seed in (0, 1))
    leaves = flatten(state.params["features"])
    same = all(np.array_equal(leaf, flatten(again.params)[path]) for path, leaf in flatten(state.params).items())
    assert same, "two builds from one key differ: take randomness from `rngs` only"
    if leaves:
        moved = any(not np.array_equal(leaf, flatten(other.params["features"])[path]) for path, leaf in leaves.items())
        assert moved, "two keys give the same parameters: pass `rngs` on to the layers"


def trains_every_parameter(subject: Any) -> None:
    """Each parameter, the classifier's too, gets a finite gradient, and none is left out of the forward pass."""
    for path, grad in flatten(_passed(subject)[2]).items():
        assert np.isfinite(grad).all(), f"the gradient of '{path}' is not finite"
        # A bias before batch norm has a zero gradient by construction, up to rounding: it only has to be connected.
        assert grad.any() or path.endswith("bias"), f"the gradient of '{path}' is zero everywhere: is the layer used?"


def predicts_rows_alone(subject: Any) -> None:
    """In eval mode a row's features and logits do not depend on the other rows, nor on a second call."""
    model, state, x = _built(subject)

    @jax.jit
    def evaluate(state, x):
        features, state = model.features(state, x, train=False)
        return {"features": features, "logits": model.logits(state, features)}, state

    whole, after = evaluate(state, x)
    other, _ = evaluate(state, jnp.concatenate([x[:2], 3 * x[2:]]))
    again, _ = evaluate(after, x)
    for name, out in whole.items():
        np.testing.assert_allclose(
            out[:2], other[name][:2], rtol=1e-3, atol=1e-4, err_msg=f"{name} change with the rest of the batch"
        )
        assert np.array_equal(out, again[name]), (
            f"a second call in eval mode gives other {name}: dropout or statistics are still on"
        )


BACKBONE_CHECKS = (has_a_summary, builds, starts_from_the_key, trains_every_parameter, predicts_rows_alone)
