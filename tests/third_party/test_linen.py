"""A backbone in Flax Linen, with batch norm and dropout."""

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen

import tlx
from tlx.data import from_arrays
from tlx.ops import information_maximisation
from tlx.testing import Probe

NAMES = tuple("0123456789")


class Net(linen.Module):
    """Linear, batch norm, ReLU, dropout."""

    width: int = 64

    @linen.compact
    def __call__(self, x, train: bool):
        x = linen.Dense(self.width)(x.reshape(x.shape[0], -1))
        x = linen.BatchNorm(use_running_average=not train, momentum=0.9)(x)
        return linen.Dropout(0.3, deterministic=not train)(jax.nn.relu(x))


def linen_net(shape, rngs):
    """A Linen module as a backbone."""
    return Net()


@tlx.strategy
class SureAndDiverse(tlx.Strategy):
    """Makes the target's predictions sure one by one, and diverse as a whole.

    loss = cross-entropy(source) + weight * (mean H(p_i) - H(mean p_i)) on the target
    """

    weight: float = 0.3

    def loss(self, model, state, batch, context):
        features, state = model.features(state, jnp.concatenate([batch.source.x, batch.target.x]))
        logits, state = model.classify(state, features)
        source, target = jnp.split(logits, [len(batch.source.y)])
        gap = information_maximisation(target)
        return model.task_loss(source, batch.source.y) + self.weight * gap, state, {"im": gap}


@tlx.hookimpl
def tlx_strategies(register):
    register("sure_and_diverse", SureAndDiverse)


@tlx.hookimpl
def tlx_backbones(register):
    register("linen", linen_net)


def test_learns(run, digits):
    plain = from_arrays("plain", digits.part(0, 2), classes=NAMES)
    dim = from_arrays("dim", digits.part(1, 2).dim(0.5, 40), classes=NAMES)
    result = run("plain->dim", "sure_and_diverse", plain, dim, backbone="linen")
    assert min(result.accuracy()) > 0.87  # five seeds: 0.95 to 0.97


def test_dropout_and_statistics_move_in_training_alone():
    probe = Probe(SureAndDiverse(), linen_net)
    state = probe.begin()
    assert np.array_equal(probe.predict(), probe.predict())
    seen = probe.seen()
    for path, before in jax.tree_util.tree_leaves_with_path(state.stats["features"].values["net"]["BatchNorm_0"]):
        after = dict(jax.tree_util.tree_leaves_with_path(seen.stats["features"].values["net"]["BatchNorm_0"]))[path]
        assert not np.array_equal(before, after)
    assert probe.value(state=seen)[0] != probe.value()[0]  # another mask of dropout
    assert probe.value(state=probe.step(5))[0] < probe.value()[0]
