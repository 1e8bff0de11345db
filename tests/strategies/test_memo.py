"""One image at a time."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from programs import at_phase
from scipy.special import softmax
from states import features, logits, same

from tlx.contract import Online
from tlx_strategies.memo import MEMO

NETS = ("features", "head")


def plain(probe, weights, x):
    """The logits of x by some weights, by the running statistics."""
    state = probe.state.put_params(**weights)
    return logits(probe, features(probe, x, state=state, train=False), state=state)


def by_hand(probe, image, rate, views, steps):
    """The source's weights after steps down the entropy of the mean prediction, by a plain loop; their logits of it."""
    weights = {net: probe.state.params[net] for net in NETS}
    key = jax.random.fold_in(probe.state.extra["views"], jax.lax.bitcast_convert_type(image.sum(), jnp.uint32))
    for own in jax.random.split(key, steps):
        shown = probe.model.augment(own, jnp.broadcast_to(image, (views, *image.shape)), "strong")

        def doubt(weights, shown=shown):
            mean = jnp.mean(jax.nn.softmax(plain(probe, weights, shown)), 0)
            return -jnp.sum(mean * jnp.log(mean))

        weights = jax.tree.map(lambda w, g: w - rate * g, weights, jax.grad(doubt)(weights))
    return np.asarray(plain(probe, weights, image[None]))[0]


@pytest.mark.slow
@pytest.mark.parametrize("steps", [1, 3])
def test_each_image_starts_from_the_source(steps):
    """The trap: weights that go on from image to image; a view's prediction in place of the image's."""
    rate = 0.3
    probe = at_phase(MEMO(rate=rate, views=4, steps=steps))
    assert probe.phases[1].online == Online("after") and probe.phases[1].objectives == ()
    x = probe.batch.target.x[:3]
    found = probe.predict(x)
    expected = [by_hand(probe, image, rate, 4, steps) for image in x]
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)
    before = plain(probe, {net: probe.state.params[net] for net in NETS}, x)
    assert np.abs(found - before).max() > 1e-2
    assert same(probe.step().params, probe.state.params), "no weight is kept"


def test_no_other_row_matters():
    """The trap: a batch that is adapted to as a whole, or views that hang on a row's place."""
    probe = at_phase(MEMO(rate=0.3, views=4))
    x = probe.batch.target.x[:4]
    every, turned = probe.predict(x), probe.predict(x[::-1])
    np.testing.assert_allclose(every, turned[::-1], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(every[1:2], probe.predict(x[1:2]), rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_steps_make_predictions_surer():
    """The trap: a step up the entropy."""
    still, sure = (at_phase(MEMO(rate=rate, views=8, steps=20)) for rate in (0.0, 0.05))
    x = still.batch.target.x[:8]
    before, after = (softmax(np.float64(probe.predict(x)), 1).max(1).mean() for probe in (still, sure))
    assert after > before + 1e-3
