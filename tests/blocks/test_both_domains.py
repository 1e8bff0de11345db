"""One forward pass for both domains."""

import jax.numpy as jnp
import numpy as np

from tlx.blocks import both_domains
from tlx.contract import Batch, Labelled, Model, NotShown, State, Unlabelled


def test_batch_statistics_are_joint():
    """The trap: two passes normalise each domain by itself, which hides the shift and changes every result."""
    calls = []

    def features(state, x, train=True):
        calls.append(train)
        return x.reshape(len(x), -1) - x.mean(), state._replace(extra={"mean": x.mean()})

    model = Model(*[None] * 11)._replace(features=features)  # pyright: ignore[reportArgumentType]
    source, target = np.full((3, 2, 2, 1), 1.0), np.full((5, 2, 2, 1), 9.0)
    batch = Batch(
        Labelled(jnp.array(source), jnp.zeros(3, int), jnp.zeros(3, int)),
        Unlabelled(jnp.array(target), jnp.arange(5)),
        NotShown("labelled", (), "here"),  # pyright: ignore[reportArgumentType]
    )
    on_source, on_target, state = both_domains(model, State({}, {"mean": 0.0}), batch)
    assert calls == [True]
    assert on_source.shape == (3, 4) and on_target.shape == (5, 4)
    mean = (3 * 1 + 5 * 9) / 8
    np.testing.assert_allclose(on_source, 1 - mean)
    np.testing.assert_allclose(on_target, 9 - mean)
    assert state.extra["mean"] == mean
