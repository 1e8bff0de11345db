"""A teacher beside the student, and adaptation on the test stream, with real batch norm."""

import jax
import numpy as np
import pytest
from flax import nnx

from tlx import ContractError
from tlx.engine.train import train
from tlx.testing.tiny import tiny_recipe, tiny_task
from tlx_strategies.mean_teacher import MeanTeacher
from tlx_strategies.tent import TENT


def same(first, second) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(jax.tree.leaves(first), jax.tree.leaves(second), strict=True))


def running_mean(features) -> np.ndarray:
    return np.asarray(features["bn"]["mean"])


def test_mean_teacher_normalises_each_domain_by_itself(engine):
    """The traps: one pass for both domains; a teacher that takes over the student's statistics.

    The student's running mean takes the source's mean and then the target's; the teacher's takes the target's only.
    """
    run = engine(MeanTeacher())
    before = run.enter(0)
    seen = []

    def augment(key, x, strength):
        seen.append(x.shape[0])
        return x

    run.model = run.model._replace(augment=augment)
    (phase,) = run.strategy.phases(run.model)
    after = run.step(*phase.objectives)
    assert seen == [16, 16, 16], "source, target, and target again for the teacher: three passes"
    dense, batch = before.params["features"]["fc"], run.batch()
    source, target = (
        np.mean(np.asarray(x.reshape(16, -1) @ dense["kernel"] + dense["bias"]), 0)
        for x in (batch.source.x, batch.target.x)
    )
    momentum = 0.99  # flax's
    start = running_mean(before.extra["features"])
    student = momentum * (momentum * start + (1 - momentum) * source) + (1 - momentum) * target
    np.testing.assert_allclose(running_mean(after.extra["features"]), student, rtol=1e-4, atol=1e-6)
    teacher = momentum * start + (1 - momentum) * target
    np.testing.assert_allclose(running_mean(after.extra["teacher"]["features"]), teacher, rtol=1e-4, atol=1e-6)


def test_mean_teacher_scores_the_teacher(engine):
    """The trap: the student is what is evaluated. With decay 1 the teacher never moves, the student does."""
    run = engine(MeanTeacher(decay=1.0))
    before = run.enter(0)
    after = run.round()
    assert not same(before.params, after.params)
    assert same(before.params, after.extra["teacher"]["params"])
    teacher = after._replace(params=before.params, extra={"features": after.extra["teacher"]["features"]})
    x = run.batch_of_test(len(run.data.test_x))
    features, _ = run.model.features(teacher, x, train=False)
    expected = run.model.logits(teacher, features)
    np.testing.assert_allclose(run.logits[: len(x)], expected, rtol=1e-4, atol=1e-5)


def test_tent_adapts_then_predicts_batch_by_batch(engine):
    """The traps: the stream adapted as a whole before it is predicted; weights moved besides scale and shift.

    The first batch is predicted by the state that one step on it gives, with its own statistics.
    """
    run = engine(TENT())
    run.enter(0)
    run.round()
    before = run.enter(1)
    after = run.online()
    assert not same(before.params["features"]["bn"], after.params["features"]["bn"])
    assert same(before.params["features"]["fc"], after.params["features"]["fc"])
    assert same(before.params["head"], after.params["head"])
    size = run.recipe.batch
    first = engine(TENT(), run.data._replace(test_x=run.data.test_x[:size], test_y=run.data.test_y[:size]))
    first.enter(0)
    first.round()
    assert same(first.enter(1), before)
    x = run.batch_of_test(size)
    predicted = run.logits[:size]
    np.testing.assert_allclose(predicted, run.strategy.predict(run.model, first.online(), x), rtol=1e-4, atol=1e-5)
    assert not np.allclose(predicted, run.strategy.predict(run.model, before, x), rtol=1e-3, atol=1e-4)


class Plain(nnx.Module):
    """A backbone without a normalisation layer."""

    def __init__(self, shape: tuple[int, int, int], rngs: nnx.Rngs):
        self.width = 4
        self.fc = nnx.Linear(shape[0] * shape[1] * shape[2], 4, rngs=rngs)

    def __call__(self, x):
        return nnx.relu(self.fc(x.reshape(x.shape[0], -1)))


def test_tent_needs_a_normalisation_layer():
    """The trap: a run that adapts nothing and reports the source's score; the error names the glob."""
    with pytest.raises(ContractError, match=r"group 'norm' \(glob 'features/\*bn\*/\*'\).*features/fc/kernel"):
        train(TENT(), Plain, tiny_task(), tiny_recipe(), (0,))
