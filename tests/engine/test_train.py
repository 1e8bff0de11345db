"""Whole runs on the tiny task: budgets, what is seen, determinism, divergence, online passes."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tlx import ContractError, NotShownError, Objective, Phase, Recipe, Strategy, strategy
from tlx.engine.phases import INIT
from tlx.engine.train import frame_of, sections, train
from tlx.ops import cross_entropy
from tlx.testing.tiny import TinyBN, tiny_recipe, tiny_task

TASK = tiny_task()
RECIPE = tiny_recipe()


def on_source(model):
    def loss(state, batch, context):
        features, state = model.features(state, batch.source.x)
        return cross_entropy(model.logits(state, features), batch.source.y), state, {}

    return loss


@strategy
class Plain(Strategy):
    """Cross-entropy on the source, times a weight."""

    weight: float = 1.0

    def loss(self, model, state, batch, context):
        loss, state, _ = on_source(model)(state, batch, context)
        return self.weight * loss, state, {"progress": context.progress}


def run(strategy, seeds=(0,), data=TASK, recipe=RECIPE, **more):
    return train(strategy, TinyBN, data, recipe, seeds, **more)


def with_phases(*made, setting="unsupervised"):
    """A strategy with these phases, each given as a function of the model."""
    kind = type("Made", (Strategy,), {"phases": lambda self, model: tuple(one(model) for one in made)})
    return strategy(kind)()


@given(
    shares=st.lists(st.floats(0.05, 1.0), min_size=1, max_size=4),
    steps=st.integers(4, 5000),
    rounds=st.integers(1, 40),
)
def test_the_budget_is_spent_exactly(shares, steps, rounds):
    phases = [Phase((), share=share) for share in shares]
    plan = sections(phases, Recipe(steps=steps, rounds=rounds))
    spent = [sum(section.rounds) for section in plan]
    # A phase gets one step at least, so that a tiny share may take one more than the budget.
    assert steps <= sum(spent) <= steps + len(shares) and min(spent) >= 1
    for share, given_steps in zip(shares, spent, strict=True):
        assert abs(given_steps - steps * share / sum(shares)) <= len(shares)
    for section in plan:
        assert len(set(section.rounds)) <= 2 and min(section.rounds) >= 1


def test_images_are_scaled_and_cached_features_are_not():
    task = dataclasses.replace(TASK.task, protocol=dataclasses.replace(TASK.task.protocol, resize=8))
    images = TASK._replace(task=task)
    features = images._replace(target_x=np.zeros((4, 1, 1, 3), np.float32))
    assert (frame_of(TinyBN, images, RECIPE).resize, frame_of(TinyBN, features, RECIPE).resize) == (8, 0)


def test_an_online_phase_takes_nothing_from_the_budget():
    plan = sections([Phase(()), Phase((), online=True)], Recipe(steps=100, rounds=5))
    assert plan[0].rounds == (20,) * 5 and plan[1].rounds == ()


def test_evaluations_and_progress():
    told = []
    outcome = run(Plain(), seeds=(3, 4), on_round=told.append)
    assert [e.step for e in outcome.evaluations] == [3, 6, 9, 12] == [p.step for p in told]
    assert told[-1].round == told[-1].rounds == 4 and told[-1].steps == 12
    assert outcome.seeds == (3, 4) and outcome.steps == 12 and outcome.sees == ("source", "target")
    assert outcome.evaluations[0].source_logits.shape == (2, 21, 3)
    assert outcome.evaluations[0].target_logits.shape == (2, 27, 3)
    # progress is step / steps, and the metric is its mean over a round of three steps
    means = [np.mean([s / 12 for s in range(3 * r, 3 * r + 3)]) for r in range(4)]
    np.testing.assert_allclose([e.metrics["progress"] for e in outcome.evaluations], np.array([means] * 2).T, rtol=1e-6)


def test_a_seed_gives_the_same_whatever_runs_beside_it():
    alone = run(Plain(), seeds=(5,)).evaluations[-1]
    beside = run(Plain(), seeds=(1, 5, 2)).evaluations[-1]
    np.testing.assert_array_equal(alone.target_logits[0], beside.target_logits[1])
    assert not np.array_equal(beside.target_logits[0], beside.target_logits[1])


def test_it_learns():
    outcome = run(Plain(), seeds=(0, 1, 2), recipe=RECIPE.replace(steps=120))
    accuracy = (outcome.evaluations[-1].source_logits.argmax(-1) == TASK.source_val.y).mean(-1)
    assert accuracy.min() > 0.9  # 1.0 in ten seeds of ten; chance is 0.33


def test_divergence_is_recorded_for_its_seed():
    @strategy
    class Sometimes(Plain):
        """NaN from the second half on, if the head's first bias went up."""

        def loss(self, model, state, batch, context):
            loss, state, metrics = Plain.loss(self, model, state, batch, context)
            chance = jax.random.uniform(jax.random.key(0)) + state.extra["bad"]
            return jnp.where(chance > 1, jnp.nan, loss), state, metrics

        def init(self, model, key):
            state = model.init(key)
            bad = jnp.where(jax.random.uniform(key) > 0.5, 1.0, 0.0)
            return state._replace(extra={**state.extra, "bad": bad})

    seeds = tuple(range(6))
    expected = tuple(bool(jax.random.uniform(jax.random.fold_in(jax.random.key(seed), INIT)) > 0.5) for seed in seeds)
    assert len(set(expected)) == 2
    assert run(Sometimes(), seeds=seeds).diverged == expected


def test_reading_what_a_phase_does_not_see_is_named():
    strategy = with_phases(lambda m: Phase((Objective(on_source(m)),), name="adapt", sees=frozenset({"target"})))
    with pytest.raises(NotShownError, match="strategy Made, phase adapt reads batch.source.*it is shown: target"):
        run(strategy)


def test_a_task_that_does_not_offer_it_is_named():
    bare = TASK._replace(labelled=type(TASK.labelled)(*(column[:0] for column in TASK.labelled)))
    strategy = with_phases(lambda m: Phase((Objective(on_source(m)),), sees=frozenset({"labelled"})))
    with pytest.raises(
        ContractError, match="sees 'labelled', which task 'bars0->dim_bars' does not offer.*source, target"
    ):
        run(strategy, data=bare)


@pytest.mark.parametrize(
    ("phases", "message"),
    [
        (
            (lambda m: Phase((Objective(on_source(m)),), sees=frozenset({"traget"})),),
            "sees 'traget'; expected .*target",
        ),
        ((lambda m: Phase(()),), "has no objectives"),
        ((lambda m: Phase((Objective(on_source(m)),)),) * 2, "two phases named 'train'"),
        ((lambda m: Phase((Objective(on_source(m)),), online=True),), "is online and sees .*expected target alone"),
        ((), r"`phases` returned \(\); expected a tuple of one or more Phase"),
    ],
)
def test_bad_phases_are_named(phases, message):
    with pytest.raises(ContractError, match=message):
        run(with_phases(*phases))


def test_target_test_labels_never_matter():
    other = TASK._replace(test_y=(TASK.test_y + 1) % 3)
    one, two = (run(Plain(), data=data).evaluations[-1].target_logits for data in (TASK, other))
    np.testing.assert_array_equal(one, two)


def test_online_sees_each_test_row_once_in_order():
    """27 rows in batches of 8: three whole ones and a rest of 3; the prediction follows the step."""

    @strategy
    class Counting(Strategy):
        """Predicts, for each row, its mean grey and how many steps came before."""

        setting = "test-time"

        def init(self, model, key):
            state = model.init(key)
            return state._replace(extra={**state.extra, "steps": jnp.zeros(())})

        def phases(self, model):
            def loss(state, batch, context):
                count = state.extra["steps"] + 1
                state = state._replace(extra={**state.extra, "steps": count})
                return jnp.sum(state.params["head"]["bias"]), state, {}

            return (Phase((Objective(loss),), name="test", sees=frozenset({"target"}), online=True),)

        def predict(self, model, state, x):
            grey = x.mean((1, 2, 3))
            return jnp.stack([grey, jnp.full_like(grey, 1.0) * state.extra["steps"], 0 * grey], 1)

    (evaluation,) = run(Counting()).evaluations
    logits = evaluation.target_logits[0]
    np.testing.assert_allclose(logits[:, 0], (TASK.test_x / 255.0 - 0.5).mean((1, 2, 3)) / 0.5, atol=1e-5)
    assert logits[:, 1].tolist() == [1] * 8 + [2] * 8 + [3] * 8 + [4] * 3


def test_refresh_sweeps_every_target_row_in_order_once_a_round():
    @strategy
    class Bank(Strategy):
        """Keeps each target image's mean in a bank, and how often it was refreshed."""

        def phases(self, model):
            def begin(state, context):
                bank = {"grey": jnp.zeros(model.rows), "times": jnp.zeros(())}
                return state._replace(extra={**state.extra, **bank})

            def refresh(state, sweep, context):
                grey = sweep(lambda x: x.mean((1, 2, 3)))
                return state._replace(extra={**state.extra, "grey": grey, "times": state.extra["times"] + 1})

            def loss(state, batch, context):
                gap = jnp.abs(batch.target.x.mean((1, 2, 3)) - state.extra["grey"][batch.target.index]).max()
                return jnp.sum(state.params["head"]["bias"]), state, {"gap": gap, "times": state.extra["times"]}

            sees = frozenset({"target"})
            return (Phase((Objective(loss),), sees=sees, begin=begin, refresh=refresh),)

    evaluations = run(Bank()).evaluations
    assert [float(e.metrics["times"][0]) for e in evaluations] == [1, 2, 3, 4]
    assert max(float(e.metrics["gap"][0]) for e in evaluations) < 1e-5


def test_a_second_phase_may_add_a_group():
    def first(model):
        return Phase((Objective(on_source(model)),), name="first")

    def second(model):
        def begin(state, context):
            return state._replace(params={**state.params, "critic": {"w": jnp.ones(model.width)}})

        def loss(state, batch, context):
            features, state = model.features(state, batch.target.x)
            return jnp.mean(features @ state.params["critic"]["w"]), state, {}

        return Phase((Objective(loss, ("critic",)), Objective(loss, ("features",))), name="second", begin=begin)

    outcome = run(with_phases(first, second))
    assert [e.phase for e in outcome.evaluations] == ["first"] * 2 + ["second"] * 2
    assert not any(outcome.diverged)


def test_several_sources_are_told_apart_by_domain():
    @strategy
    class Domains(Strategy):
        """Counts the rows of each source."""

        def loss(self, model, state, batch, context):
            loss, state, _ = on_source(model)(state, batch, context)
            return loss, state, {"share": jnp.mean(batch.source.domain == 1)}

    shares = [e.metrics["share"][0] for e in run(Domains(), data=tiny_task(domains=2)).evaluations]
    np.testing.assert_allclose(np.mean(shares), 0.5, atol=0.01)  # 12 steps of 8 rows: one epoch of 48 + 48


def test_predict_of_a_wrong_shape_is_named():
    @strategy
    class Wide(Plain):
        """Predicts features instead of logits."""

        def predict(self, model, state, x):
            return model.features(state, x, train=False)[0]

    with pytest.raises(ContractError, match=r"Wide: `predict` returned shape \(16, 16\); expected \(16, 3\)"):
        run(Wide())


@pytest.mark.parametrize("stream", [False, True])
def test_a_run_is_the_same_whether_it_is_observed_or_not(stream):
    plain = run(Plain(), seeds=(0, 1), stream=stream)
    sample = {"val": TASK.source_val.x[:5], "test": TASK.test_x}
    seen = run(Plain(), seeds=(0, 1), stream=stream, sample=sample)
    for one, other in zip(plain.evaluations, seen.evaluations, strict=True):
        assert one.observed == {} and set(other.observed) == {"val", "test"}
        np.testing.assert_array_equal(one.target_logits, other.target_logits)
        np.testing.assert_array_equal(one.source_logits, other.source_logits)
        np.testing.assert_allclose(other.observed["test"].logits, other.target_logits, atol=1e-5)
        np.testing.assert_allclose(other.observed["val"].logits, other.source_logits[:, :5], atol=1e-5)
        assert other.observed["val"].features.shape == (2, 5, 16)


def test_features_are_those_that_the_prediction_is_made_from():
    class Twice(Plain):
        def predict(self, model, state, x):
            features, _ = model.features(state, 2 * x, train=False)
            return features[:, :3]

    kind = strategy(type("Two", (Twice,), {}))
    (last,) = run(kind(), sample={"test": TASK.test_x}).evaluations[-1:]
    np.testing.assert_array_equal(last.observed["test"].features[..., :3], last.observed["test"].logits)
