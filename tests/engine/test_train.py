"""Whole runs on the tiny task: budgets, what is seen, determinism, divergence."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from losses import on_source

from tlx import ContractError, NotShownError, Objective, Phase, Recipe, SettingError, Strategy, strategy
from tlx.contract import Online
from tlx.engine.programs import run_keys
from tlx.engine.train import model_spec, sections, train
from tlx.testing.tiny import TinyBN, tiny_recipe, tiny_task

TASK = tiny_task()
RECIPE = tiny_recipe()


@strategy
class Plain(Strategy):
    """Cross-entropy on the source, times a weight."""

    weight: float = 1.0

    def loss(self, model, state, batch, context):
        loss, state, _ = on_source(model)(state, batch, context)
        return self.weight * loss, state, {"progress": context.progress}


def run(strategy, seeds=(0,), data=TASK, recipe=RECIPE, **more):
    return train(strategy, TinyBN, data, recipe, seeds, **more)


def with_phases(*made):
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


def test_images_are_scaled_in_the_network_and_cached_features_are_not():
    task = dataclasses.replace(TASK.task, protocol=dataclasses.replace(TASK.task.protocol, resize=16))
    images = TASK._replace(task=task)
    features = tiny_task(input="vector")._replace(task=task)
    assert (model_spec(TinyBN, images, RECIPE).resize, model_spec(TinyBN, features, RECIPE).resize) == (16, 0)
    assert model_spec(TinyBN, images, RECIPE).seen == (16, 16, 1)


def test_the_facts_of_a_model_are_those_of_the_task():
    data = tiny_task(3, 2, space="open")
    spec = model_spec(TinyBN, data, RECIPE)
    assert (spec.domains, spec.known, spec.outputs, spec.class_names) == (3, 2, 3, ("left", "middle"))
    assert dict(spec.rows) == {
        name: len(getattr(data, name).domain) for name in ("source", "source_val", "target", "labelled")
    }
    real = model_spec(TinyBN, tiny_task(real=True, input="sequence"), RECIPE)
    assert (real.known, real.outputs, real.class_names, real.kind) == (1, 1, (), "sequence")
    assert real.target_kind == "real" and real.shape == (9, 2)


def test_an_online_phase_takes_nothing_from_the_budget():
    plan = sections([Phase(()), Phase((), online=Online())], Recipe(steps=100, rounds=5))
    assert plan[0].rounds == (20,) * 5 and plan[1].rounds == ()
    plan = sections([Phase((), share=0), Phase(())], Recipe(steps=100, rounds=5))
    assert plan[0].rounds == (0,) and plan[1].rounds == (20,) * 5


@pytest.fixture(scope="module")
def plain():
    """A run from two seeds, and the progress that it told of."""
    heard = []
    outcome = run(Plain(), seeds=(3, 4), on_round=lambda place, progress: heard.append((place, progress)))
    return outcome, heard


def test_evaluations_and_progress(plain):
    outcome, heard = plain
    assert {place for place, _ in heard} == {0}
    told = [progress for _, progress in heard]
    assert [e.step for e in outcome.evaluations] == [3, 6, 9, 12] == [p.step for p in told]
    assert told[-1].round == told[-1].rounds == 4 and told[-1].steps == 12
    assert outcome.seeds == (3, 4) and outcome.steps == 12 and outcome.sees == ("source", "target")
    assert outcome.evaluations[0].source_logits.shape == (2, 21, 3)
    assert outcome.evaluations[0].target_logits.shape == (2, 27, 3)
    # progress is step / steps, and the metric is its mean over a round of three steps
    means = [np.mean([s / 12 for s in range(3 * r, 3 * r + 3)]) for r in range(4)]
    np.testing.assert_allclose([e.metrics["progress"] for e in outcome.evaluations], np.array([means] * 2).T, rtol=1e-6)


def test_a_seed_gives_the_same_whatever_runs_beside_it(plain):
    alone = run(Plain(), seeds=(4,)).evaluations[-1]
    beside = run(Plain(), seeds=(1, 4, 2)).evaluations[-1]
    np.testing.assert_array_equal(alone.target_logits[0], beside.target_logits[1])
    np.testing.assert_array_equal(alone.target_logits[0], plain[0].evaluations[-1].target_logits[1])
    assert not np.array_equal(beside.target_logits[0], beside.target_logits[1])


def test_it_learns():
    outcome = run(Plain(), seeds=(0, 1, 2), recipe=RECIPE.replace(steps=120))
    accuracy = (outcome.evaluations[-1].source_logits.argmax(-1) == TASK.source_val.y).mean(-1)
    assert accuracy.min() > 0.9  # 1.0 in ten seeds of ten; chance is 0.33


def test_divergence_is_recorded_for_its_seed():
    @strategy
    class Sometimes(Plain):
        """NaN in the seeds whose draw says so."""

        def loss(self, model, state, batch, context):
            loss, state, metrics = Plain.loss(self, model, state, batch, context)
            return jnp.where(state.extra["bad"] > 0, jnp.nan, loss), state, metrics

        def init(self, model, key):
            one, other = jax.random.split(key)
            return model.init(one).put(bad=jnp.where(jax.random.uniform(other) > 0.5, 1.0, 0.0))

    def bad(seed: int) -> bool:
        init, _ = run_keys(jax.random.key(seed), 1)
        return bool(jax.random.uniform(jax.random.split(init)[1]) > 0.5)

    seeds = tuple(range(6))
    expected = tuple(bad(seed) for seed in seeds)
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


def phase(**fields):
    return lambda m: Phase((Objective(on_source(m)),), **fields)


@pytest.mark.parametrize(
    ("phases", "message"),
    [
        ((phase(sees=frozenset({"traget"})),), "sees 'traget'; expected .*target"),
        ((lambda m: Phase(()),), "has no objectives"),
        ((phase(),) * 2, "two phases named 'train'"),
        ((phase(online=Online()),), "is online and sees .*expected target alone"),
        ((), r"`phases` returned \(\); expected a tuple of one or more Phase"),
        ((phase(batch={"labelled": 2}),), "phase train: `batch` names 'labelled'; expected source, target"),
        ((phase(draw={"source": "clas"}),), "phase train draws 'source' by 'clas'"),
    ],
)
def test_bad_phases_are_named(phases, message, monkeypatch):
    monkeypatch.setattr("tlx.engine.run.run", None)  # before anything is compiled
    with pytest.raises(ContractError, match=message):
        run(with_phases(*phases))


@pytest.mark.parametrize(
    ("recipe", "fields", "message"),
    [
        ({"optimizer": "sdg"}, {}, "optax has no optimizer 'sdg'; nearest: sgd"),
        ({"schedule": "cosin"}, {}, "schedule 'cosin'"),
        ({}, {"recipe": {"optimizer": "adma"}}, "optax has no optimizer 'adma'; nearest: .*adam"),
        ({}, {"recipe": {"bacth": 3}}, "unknown recipe field 'bacth'; nearest: batch"),
    ],
)
def test_an_optimizer_or_schedule_that_is_none_is_named(recipe, fields, message, monkeypatch):
    monkeypatch.setattr("tlx.engine.run.run", None)
    with pytest.raises(SettingError, match=message):
        run(with_phases(phase(**fields)), recipe=RECIPE.replace(**recipe))


def test_target_test_labels_never_matter(plain):
    other = TASK._replace(test=TASK.test._replace(y=(TASK.test.y + 1) % 3))
    one, two = plain[0].evaluations[-1], run(Plain(), seeds=(3, 4), data=other).evaluations[-1]
    np.testing.assert_array_equal(one.target_logits, two.target_logits)


def test_a_second_phase_may_add_a_network_and_a_loose_parameter():
    def first(model):
        return Phase((Objective(on_source(model)),), name="first")

    def second(model):
        def begin(state, context):
            state = model.add(state, context.key, "critic", model.classifier(outputs=1))
            return state.put_params(scale=jnp.ones(()))

        def loss(state, batch, context):
            features, state = model.features(state, batch.target.x)
            judged, state = model.apply(state, "critic", features)
            return jnp.mean(judged) * state.params["scale"], state, {"scale": state.params["scale"]}

        objectives = (Objective(loss, ("critic", "scale")), Objective(loss, ("features",)))
        return Phase(objectives, name="second", begin=begin)

    outcome = run(with_phases(first, second))
    assert [e.phase for e in outcome.evaluations] == ["first"] * 2 + ["second"] * 2
    assert not any(outcome.diverged)
    scales = [float(e.metrics["scale/1"][0]) for e in outcome.evaluations[2:]]
    assert scales[0] != scales[1] and 1.0 not in scales
    weights = outcome.weights(0)
    assert {path.split("/")[0] for path in weights} == {"fc", "bn", "head", "state"}
    assert [path for path in weights if path.startswith("state/")] == [
        "state/params/critic/bias", "state/params/critic/kernel", "state/params/scale"
    ]  # fmt: skip


def test_several_sources_are_told_apart_by_domain():
    @strategy
    class Domains(Strategy):
        """Counts the rows of each source."""

        def loss(self, model, state, batch, context):
            loss, state, _ = on_source(model)(state, batch, context)
            return loss, state, {"share": jnp.mean(batch.source.domain == 1)}

    shares = [e.metrics["share"][0] for e in run(Domains(), data=tiny_task(domains=2)).evaluations]
    np.testing.assert_allclose(np.mean(shares), 0.5, atol=0.01)  # 12 steps of 8 rows: one epoch of 48 + 48


@pytest.mark.parametrize("stream", [False, True])
def test_a_run_is_the_same_whether_it_is_probed_or_not(plain, stream):
    bare = run(Plain(), seeds=(3, 4), stream=True) if stream else plain[0]
    probe = {"val": TASK.source_val.x[:5], "test": TASK.test.x}
    seen = run(Plain(), seeds=(3, 4), stream=stream, probe=probe)
    for one, other in zip(bare.evaluations, seen.evaluations, strict=True):
        assert one.observed == {} and set(other.observed) == {"val", "test"}
        np.testing.assert_array_equal(one.target_logits, other.target_logits)
        np.testing.assert_array_equal(one.source_logits, other.source_logits)
        np.testing.assert_allclose(other.observed["test"].logits, other.target_logits, atol=1e-5)
        np.testing.assert_allclose(other.observed["val"].logits, other.source_logits[:, :5], atol=1e-5)
        assert other.observed["val"].features.shape == (2, 5, 16)


def test_weights_of_every_evaluation_are_kept_where_they_are_asked_for(plain):
    kept = run(Plain(), seeds=(3, 4), keep_weights=True)
    for place in (0, 1):
        every = [kept.weights(place, number)["fc/kernel"] for number in range(4)]
        assert not any(np.array_equal(one, other) for one, other in zip(every, every[1:], strict=False))
        for last in (kept.weights(place), kept.weights(place, 3), plain[0].weights(place)):
            np.testing.assert_array_equal(last["fc/kernel"], every[-1])
    np.testing.assert_array_equal(plain[0].weights(1, 3)["fc/kernel"], plain[0].weights(1)["fc/kernel"])
    with pytest.raises(ContractError, match="the weights of earlier evaluations were not kept; expected keep_weights"):
        plain[0].weights(0, 1)


def test_a_phase_that_overrides_the_recipe_steps_by_it():
    """The trap: an optimizer or a batch of the run's where a phase names its own."""

    def sized(model):
        def loss(state, batch, context):
            value, state, _ = on_source(model)(state, batch, context)
            return value, state, {"rows": jnp.float32(len(batch.source.y)), "others": jnp.float32(len(batch.target.x))}

        own = {"optimizer": "adam", "beta1": 0.5, "lr": 0.001, "batch": 6}
        return Phase((Objective(loss),), recipe=own, batch={"target": 7})

    run_recipe = RECIPE.replace(optimizer="adam", beta1=0.5, lr=0.001, batch=6)
    overriding = run(with_phases(sized), recipe=RECIPE.replace(steps=4, rounds=1))
    assert overriding.evaluations[0].metrics["rows"] == 6 and overriding.evaluations[0].metrics["others"] == 42
    plain = run(with_phases(phase()), recipe=run_recipe.replace(steps=4, rounds=1))
    one, other = (outcome.evaluations[-1].target_logits for outcome in (overriding, plain))
    np.testing.assert_allclose(one, other, atol=1e-6)
