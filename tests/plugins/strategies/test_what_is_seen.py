"""What a strategy is shown: the target to no baseline, its labels to no adaptation, the number of each source."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tlx import NotShownError, Strategy, strategy
from tlx.engine.train import train
from tlx.ops import cross_entropies, mmd_quadratic
from tlx.plugins import Registry
from tlx.testing.tiny import TinyBN, tiny_recipe, tiny_task
from tlx_strategies.joint import Joint
from tlx_strategies.source_only import SourceOnly
from tlx_strategies.target_only import TargetOnly

REGISTRY = Registry.load(environ={"TLX_PLUGINS": "strategies"})
SETTINGS = {
    "unsupervised": {"source", "target"},
    "source-free": {"source", "target"},
    "test-time": {"source", "target"},
    "semi-supervised": {"source", "target", "labelled"},
    "fine-tuning": {"source", "labelled"},
    "bound": {"labelled"},
}


@pytest.mark.parametrize("name", [entry.name for entry in REGISTRY.entries("strategies")])
def test_no_strategy_sees_more_than_its_setting_allows(engine, name):
    """The trap: target labels in an unsupervised method. The batch of every phase is what its setting is about."""
    kind = REGISTRY.get("strategies", name)
    seen = [phase.sees for phase in engine(kind()).phases]
    assert frozenset().union(*seen) <= SETTINGS[kind.setting]
    if kind.setting in ("source-free", "test-time"):
        assert seen[-1] == {"target"} and all(shown == {"source"} for shown in seen[:-1])


@strategy
class Peeks(SourceOnly):
    """Reads the target in a phase that sees the source."""

    def phases(self, model):
        (phase,) = super().phases(model)
        (objective,) = phase.objectives

        def loss(state, batch, context):
            value, state, metrics = objective.loss(state, batch, context)
            return value + 0 * batch.target.x.mean(), state, metrics

        return (phase._replace(objectives=(objective._replace(loss=loss),)),)


def test_source_only_cannot_read_the_target():
    with pytest.raises(NotShownError, match="Peeks, phase train reads batch.target.*it is shown: source"):
        train(Peeks(), TinyBN, tiny_task(), tiny_recipe(), (0,))


def test_source_only_is_the_same_whatever_the_target_is():
    """The trap: a target that reaches the baseline through batch statistics or the feed."""
    data = tiny_task()
    other = data._replace(target_x=255 - data.target_x, labelled=data.labelled._replace(x=255 - data.labelled.x))
    logits = [train(SourceOnly(), TinyBN, d, tiny_recipe(), (0,)).evaluations[-1].target_logits for d in (data, other)]
    np.testing.assert_array_equal(logits[0], logits[1])


def test_target_only_reads_the_labels_of_the_target():
    """Labels exchanged in `labelled` exchange the predictions; those of the source do not count."""
    data = tiny_task()
    recipe = tiny_recipe().replace(steps=60)
    swapped = data._replace(labelled=data.labelled._replace(y=(data.labelled.y + 1) % 3))
    unsourced = data._replace(source=data.source._replace(y=(data.source.y + 1) % 3))
    found = [
        train(TargetOnly(), TinyBN, d, recipe, (0,)).evaluations[-1].target_logits[0].argmax(1)
        for d in (data, swapped, unsourced)
    ]
    assert np.mean(found[0] == data.test_y) > 0.9 and np.mean(found[1] == (data.test_y + 1) % 3) > 0.9
    np.testing.assert_array_equal(found[0], found[2])


def test_joint_at_weight_zero_learns_nothing_from_source_labels(engine):
    """The trap: the weight on the wrong term. The source still passes through the network, for its statistics."""
    run = engine(Joint(weight=0.0))
    run.enter(0)
    (objective,) = run.phases[0].objectives
    table = run.feed.tables["source"]
    before = run.step(objective)
    run.feed = run.feed._replace(tables={**run.feed.tables, "source": table._replace(y=(table.y + 1) % 3)})
    same = jax.tree.map(np.array_equal, before, run.step(objective))
    assert all(jax.tree.leaves(same))


@strategy
class PerSource(Strategy):
    """A small multi-source method: the mean over the sources of each one's own loss and distance to the target."""

    weight: float = 1.0
    sources: int = 2

    def loss(self, model, state, batch, context):
        source, state = model.features(state, batch.source.x)
        target, state = model.features(state, batch.target.x)
        losses = cross_entropies(model.logits(state, source), batch.source.y)
        mine = jax.nn.one_hot(batch.source.domain, self.sources)
        counts = jnp.maximum(mine.sum(0), 1)
        means = mine.T @ source / counts[:, None]
        gap = jnp.mean(jnp.sum((means - target.mean(0)) ** 2, 1)) + mmd_quadratic(source, target)
        metrics = {f"rows{number}": mine[:, number].sum() for number in range(self.sources)}
        return jnp.mean(losses @ mine / counts) + self.weight * gap, state, metrics


def test_two_sources_are_told_apart():
    """The trap: domains numbered by task order are lost when the sources are joined and drawn from together."""
    data = tiny_task(domains=2)
    outcome = train(PerSource(), TinyBN, data, tiny_recipe(), (0, 1))
    assert not any(outcome.diverged)
    for evaluation in outcome.evaluations:
        rows = np.stack([evaluation.metrics["rows0"], evaluation.metrics["rows1"]])
        np.testing.assert_allclose(rows.sum(0), tiny_recipe().batch)
        assert (rows > 0).all()
