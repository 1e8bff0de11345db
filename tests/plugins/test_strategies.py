"""What each built-in strategy does that another does not: one test names the trap it guards.

The model is a fake one of pure functions: a dense layer, a norm that centres by batch or running mean, a linear head.
"""

import dataclasses
import functools
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import log_softmax, softmax
from scipy.stats import norm

import tlx_strategies
from tlx import Batch, Context, ContractError, Labelled, Model, SettingError, State, Strategy, Unlabelled
from tlx.engine.feed import batch_of
from tlx.engine.recipe import Recipe
from tlx.engine.step import start, step
from tlx.ops import domain_accuracy, mlp_apply
from tlx.runs.settings import complete_settings
from tlx_strategies.adda import ADDA
from tlx_strategies.coral import CORAL
from tlx_strategies.dann import DANN
from tlx_strategies.fine_tune import FineTune
from tlx_strategies.joint import Joint
from tlx_strategies.kl import KL
from tlx_strategies.kl_gaussian import KLGaussian
from tlx_strategies.mcd import MCD
from tlx_strategies.mean_teacher import MeanTeacher
from tlx_strategies.mmd import MMD
from tlx_strategies.shot import SHOT
from tlx_strategies.source_only import SourceOnly
from tlx_strategies.target_only import TargetOnly
from tlx_strategies.tent import TENT

SHAPE, WIDTH, CLASSES, ROWS, B = (2, 2, 1), 3, 3, 12, 8
RECIPE = Recipe(name="test", lr=0.1, momentum=0.0, nesterov=False, weight_decay=0.0, schedule="constant")


def head(key, width=WIDTH):
    return {"kernel": jax.random.normal(key, (width, CLASSES)), "bias": jnp.zeros(CLASSES)}


def init(key):
    first, second = jax.random.split(key)
    dense = {"kernel": jax.random.normal(first, (4, WIDTH))}
    bn = {"scale": jnp.ones(WIDTH), "bias": jnp.zeros(WIDTH)}
    params = {"features": {"fc": dense, "bn": bn}, "head": head(second)}
    return State(params, {"features": {"mean": jnp.zeros(WIDTH)}})


def features(state, x, train=True):
    part, mean = state.params["features"], state.extra["features"]["mean"]
    h = x.reshape(len(x), -1) @ part["fc"]["kernel"]
    if train:
        state = state._replace(extra={**state.extra, "features": {"mean": 0.9 * mean + 0.1 * h.mean(0)}})
        mean = h.mean(0)
    return (h - mean) * part["bn"]["scale"] + part["bn"]["bias"], state


def logits(state, z, head="head"):
    return z @ state.params[head]["kernel"] + state.params[head]["bias"]


def augment(key, x, strength):
    return x + 0.1 * jax.random.normal(key, x.shape)


def classify(state, z, head="head", train=True):
    return logits(state, z, head), state


def with_head(state, key, group="head", width=WIDTH):
    return state._replace(params={**state.params, group: head(key, width)})


MODEL = Model(init, features, logits, head, augment, WIDTH, CLASSES, ROWS, SHAPE, classify, with_head)


def batch(sees=("source", "target", "labelled")) -> Batch:
    """A fixed batch; the target is shifted, and its rows are not in the order of the target set."""
    random = np.random.default_rng(0)

    def labelled(shift: float) -> Labelled:
        y = jnp.asarray(random.integers(0, CLASSES, B))
        return Labelled(jnp.asarray(random.normal(shift, 1, (B, *SHAPE)), jnp.float32), y, jnp.zeros(B, jnp.int32))

    target = jnp.asarray(random.normal(1, 1.5, (B, *SHAPE)), jnp.float32)
    index = jnp.asarray(random.permutation(ROWS)[:B])
    every = {"source": labelled(0), "target": Unlabelled(target, index), "labelled": labelled(1)}
    return batch_of({field: every[field] for field in every if field in sees}, "test")


def context(progress=0.5) -> Context:
    return Context(jax.random.key(7), jnp.float32(progress))


def begun(strategy: Strategy, number: int = -1, state: State | None = None) -> State:
    """The state at the start of a phase."""
    state = strategy.init(MODEL, jax.random.key(0)) if state is None else state
    return strategy.phases(MODEL)[number].begin(state, context())


@functools.partial(jax.jit, static_argnames=("kind", "number", "objective"))
def traced(strategy: Strategy, state: State, now: Context, kind: type, number: int, objective: int):
    # `kind` keeps classes apart: JAX takes the trees of two dataclasses with the same fields for equal
    phase = strategy.phases(MODEL)[number]
    return phase.objectives[objective].loss(state, batch(phase.sees), now)


def value(strategy, state, number=-1, objective=0, progress=0.5) -> tuple[float, dict[str, float]]:
    """An objective's loss and metrics; the strategy is traced, as its float settings are in the engine."""
    loss, _, metrics = traced(strategy, state, context(progress), type(strategy), number, objective)
    return float(loss), {name: float(metric) for name, metric in metrics.items()}


def slope(strategy: Strategy, state: State, number: int = -1, objective: int = 0, progress=0.5) -> dict[str, Any]:
    """The gradient of an objective's loss with respect to all parameters."""

    def loss(params):
        moved = state._replace(params=params)
        return traced(strategy, moved, context(progress), type(strategy), number, objective)[0]

    return jax.grad(loss)(state.params)


def run(strategy: Strategy, state: State, number: int = -1, steps: int = 1) -> State:
    """The state after steps of one phase, by the engine."""

    def one(strategy, carry, key):
        phase = strategy.phases(MODEL)[number]
        return step(strategy, phase, RECIPE, RECIPE.hyper(), carry, batch(phase.sees), key, jnp.float32(0.5))[0]

    carry, one = start(strategy, strategy.phases(MODEL)[number], RECIPE, RECIPE.hyper(), state), jax.jit(one)
    for i in range(steps):
        carry = one(strategy, carry, jax.random.key(i))
    return carry.state


def same(first, second) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(jax.tree.leaves(first), jax.tree.leaves(second), strict=True))


def cross_entropy(logits, y, smoothing=0.0) -> float:
    log_p = log_softmax(np.float64(logits), 1)
    return float(
        -np.mean([(1 - smoothing) * row[label] + smoothing * row.mean() for row, label in zip(log_p, y, strict=True)])
    )


def together(state: State) -> tuple[np.ndarray, np.ndarray]:
    """Features of both domains in one pass."""
    shown = batch()
    z, _ = features(state, jnp.concatenate([shown.source.x, shown.target.x]))
    return np.asarray(z[:B], np.float64), np.asarray(z[B:], np.float64)


def test_every_file_is_a_registered_strategy():
    names = {}
    tlx_strategies.tlx_strategies(lambda name, target: names.setdefault(name, target))
    files = {path.stem for path in Path(tlx_strategies.__file__).parent.glob("*.py")}
    assert names.keys() == files - {"__init__", "stream", "supervised", "teacher", "tuning"}
    assert all(target.startswith(f"tlx_strategies.{name}:") for name, target in names.items())


# ---- source and target, labelled


def test_source_only_is_not_shown_the_target():
    """The trap: a baseline that gets target images through batch norm."""
    (phase,) = SourceOnly().phases(MODEL)
    assert phase.sees == {"source"}
    state = begun(SourceOnly())
    z, _ = features(state, batch().source.x)
    assert value(SourceOnly(), state)[0] == pytest.approx(cross_entropy(logits(state, z), batch().source.y), rel=1e-5)


def test_target_only_is_marked_as_a_bound():
    """The trap: the oracle listed as an adaptation method."""
    (phase,) = TargetOnly().phases(MODEL)
    assert phase.sees == {"labelled"} and TargetOnly.setting == "bound"
    state = begun(TargetOnly())
    z, _ = features(state, batch().labelled.x)
    assert value(TargetOnly(), state)[0] == pytest.approx(cross_entropy(logits(state, z), batch().labelled.y), rel=1e-5)


def test_joint_weighs_the_source_and_not_the_target():
    """The trap: the weight on the wrong term; at 0 it is target-only."""
    state, parts = begun(Joint()), []
    for rows in (batch().labelled, batch().source):
        z, _ = features(state, rows.x)
        parts.append(cross_entropy(logits(state, z), rows.y))
    assert value(Joint(weight=0.25), state)[0] == pytest.approx(parts[0] + 0.25 * parts[1], rel=1e-5)
    assert value(Joint(weight=0.0), state)[0] == pytest.approx(parts[0], rel=1e-5)


@pytest.mark.parametrize(
    ("trains", "moved"), [(("*",), {"fc", "bn", "head"}), (("head",), {"head"}), (("last", "head"), {"fc", "head"})]
)
def test_fine_tune_moves_the_groups_it_is_told(trains, moved):
    """The trap: a partial fine-tuning that moves all; "last" is a glob, so it reaches inside a group."""
    strategy = FineTune(trains=trains)
    before = begun(strategy, 1)
    after = run(strategy, before, 1)
    old, new = ({**state.params["features"], "head": state.params["head"]} for state in (before, after))
    assert {name for name in old if not same(old[name], new[name])} == moved


# ---- discrepancies


@pytest.mark.parametrize("strategy", [MMD(weight=2.0), CORAL(weight=2.0), KLGaussian(weight=2.0)])
def test_a_discrepancy_is_added_to_the_task_with_its_weight(strategy):
    state = begun(strategy)
    loss, metrics = value(strategy, state)
    gap = next(metric for name, metric in metrics.items() if name != "task")
    source, _ = together(state)
    assert metrics["task"] == pytest.approx(cross_entropy(logits(state, source), batch().source.y), rel=1e-5)
    assert gap > 0 and loss == pytest.approx(metrics["task"] + 2 * gap, rel=1e-5)


def test_mmd_has_two_estimators_and_refuses_a_third():
    """The trap: a mistyped estimator that fails in the middle of a run, or is silently the default."""
    state = begun(MMD())
    quadratic, linear = (value(MMD(estimator=name), state)[1]["mmd"] for name in ("quadratic", "linear"))
    assert quadratic != linear
    with pytest.raises(SettingError, match="estimator.*'cubic'.*quadratic.*linear"):
        complete_settings(MMD, {"estimator": "cubic"}, "mmd")


def test_coral_aligns_the_outputs():
    """The trap: Deep CORAL acts on the last layer's outputs; on wide features the same weight does nothing."""
    state = begun(CORAL())
    source, target = (np.asarray(logits(state, z)) for z in together(state))
    gap = np.linalg.norm(np.cov(source.T) - np.cov(target.T)) ** 2 / (4 * CLASSES**2)
    assert value(CORAL(), state)[1]["coral"] == pytest.approx(gap, rel=1e-4)


def test_kl_gaussian_is_symmetric_and_by_hand():
    state, total, eps = begun(KLGaussian()), 0.0, 0.01
    source, target = together(state)
    for i in range(WIDTH):
        m_s, v_s, m_t, v_t = (
            source[:, i].mean(),
            source[:, i].var() + eps,
            target[:, i].mean(),
            target[:, i].var() + eps,
        )
        total += (np.log(v_s / v_t) + (v_t + (m_t - m_s) ** 2) / v_s - 1) / 2
        total += (np.log(v_t / v_s) + (v_s + (m_t - m_s) ** 2) / v_t - 1) / 2
    assert value(KLGaussian(), state)[1]["kl"] == pytest.approx(total / (2 * WIDTH), rel=1e-4)


def test_kl_is_a_loop_over_the_minibatch():
    """The trap: the direction. beta weighs KL(target || source), over samples of the target; beta_aux its reverse."""
    strategy = KL(beta=0.5, beta_aux=0.2, width=2)
    state = begun(strategy)
    encoded = {}
    for domain, z, key in zip("st", together(state), jax.random.split(context().key), strict=True):
        mean, std = (np.float64(part) for part in strategy.encode(state, jnp.asarray(z, jnp.float32)))
        encoded[domain] = mean, std, mean + std * np.float64(jax.random.normal(key, mean.shape))

    def density(z, domain):
        means, stds, _ = encoded[domain]
        return np.mean([np.prod(norm.pdf(z, mean, std)) for mean, std in zip(means, stds, strict=True)])

    def divergence(p, q):
        return np.mean([np.log(density(z, p) / density(z, q)) for z in encoded[p][2]])

    task = cross_entropy(logits(state, encoded["s"][2]), batch().source.y)
    loss, metrics = value(strategy, state)
    assert metrics["kl"] == pytest.approx(divergence("t", "s"), rel=1e-3)
    assert metrics["reverse_kl"] == pytest.approx(divergence("s", "t"), rel=1e-3)
    assert loss == pytest.approx(task + 0.5 * divergence("t", "s") + 0.2 * divergence("s", "t"), rel=1e-3)


def test_kl_predicts_the_mean_probability_of_several_samples():
    """The trap: a prediction that differs from call to call, or one that averages logits instead of probabilities."""
    strategy = KL(width=2, samples=5)
    state, x = begun(strategy), batch().target.x
    got = strategy.predict(MODEL, state, x)
    assert same(got, strategy.predict(MODEL, state, x))
    np.testing.assert_allclose(np.exp(got).sum(1), 1, rtol=1e-5)
    z, _ = features(state, x, train=False)
    mean, std = strategy.encode(state, z)
    many = strategy.predict(MODEL, state, x), dataclasses.replace(strategy, samples=4000).predict(MODEL, state, x)
    noise = np.random.default_rng(0).normal(size=(4000, 1, 2))
    expected = softmax(np.float64(logits(state, mean + std * noise)), -1).mean(0)
    np.testing.assert_allclose(np.exp(many[1]), expected, atol=0.03)
    assert not same(*many)


def test_kl_without_an_encoder_halves_the_features():
    state = KL(width=0).init(MODEL._replace(width=4), jax.random.key(0))
    assert list(state.params) == ["features", "head"] and state.params["head"]["kernel"].shape == (2, CLASSES)
    z = jax.random.normal(jax.random.key(1), (B, 4))
    mean, std = KL(width=0).encode(state, z)
    np.testing.assert_array_equal(mean, z[:, :2])
    np.testing.assert_allclose(std, np.log1p(np.exp(z[:, 2:])) + 1e-4, rtol=1e-5)
    with pytest.raises(ContractError, match="got 3, an odd number"):
        KL(width=0).init(MODEL, jax.random.key(0))


# ---- adversaries


def test_dann_reverses_the_gradient_of_the_features_only():
    """The trap: a critic that is trained backwards too, or a coefficient that scales the critic's gradient.

    Reversal does not change the loss's value, so finite differences of it give the gradient before the reversal.
    """
    with jax.enable_x64(True):
        strategy = DANN(weight=0.7, hidden=(4,))
        state = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float64), begun(strategy))
        found = slope(strategy, state, progress=0.1)
        task = slope(DANN(weight=0.0, hidden=(4,)), state)
        flow = np.tanh(5 * np.float32(0.1))
        for group, factor in (("features", -0.7 * flow), ("critic", 0.7)):
            random = np.random.default_rng(0)
            way = jax.tree.map(lambda leaf, random=random: random.normal(size=leaf.shape), state.params[group])

            def domain(size, group=group, way=way):
                moved = jax.tree.map(lambda leaf, d: leaf + size * d, state.params[group], way)
                return value(strategy, state._replace(params={**state.params, group: moved}))[1]["domain"]

            numeric = (domain(1e-3) - domain(-1e-3)) / 2e-3
            terms = jax.tree.map(lambda f, t, d: np.sum((f - t) * d), found[group], task[group], way)
            assert sum(jax.tree.leaves(terms)) == pytest.approx(factor * numeric, rel=1e-3)


def test_dann_starts_without_an_adversary():
    """The coefficient is 0 at progress 0: a discriminator that knows nothing must not steer the features."""
    strategy = DANN(hidden=(4,))
    state = begun(strategy)
    adversarial, task = slope(strategy, state, progress=0.0), slope(DANN(weight=0.0, hidden=(4,)), state)
    jax.tree.map(lambda a, t: np.testing.assert_allclose(a, t, atol=1e-6), adversarial["features"], task["features"])
    assert any(np.any(leaf) for leaf in jax.tree.leaves(adversarial["critic"]))


def test_mcd_plays_three_objectives():
    """The traps: the gap's sign (the heads go up it, the features down it); and two heads that begin equal, where the
    paper has two different ones: then only rounding tells them apart.
    """
    strategy = MCD()
    (phase,) = strategy.phases(MODEL)
    assert [(o.trains, o.repeat) for o in phase.objectives] == [(("*",), 1), (("head", "head2"), 1), (("features",), 4)]
    state = begun(strategy)
    assert not same(state.params["head"], state.params["head2"])
    source, target = together(state)
    first, second = (softmax(logits(state, target, name), 1) for name in ("head", "head2"))
    gap = np.mean(np.abs(first - second))
    task = sum(cross_entropy(logits(state, source, name), batch().source.y) for name in ("head", "head2"))
    losses = [value(strategy, state, objective=i)[0] for i in range(3)]
    assert losses == pytest.approx([task, task - gap, gap], rel=1e-4)


def test_mcd_predicts_by_both_heads():
    """The trap: one head predicting alone, or a sum of logits, which doubles the confidence."""
    strategy = MCD()
    state, x = begun(strategy), batch().target.x
    z, _ = features(state, x, train=False)
    expected = (logits(state, z) + logits(state, z, "head2")) / 2
    np.testing.assert_allclose(strategy.predict(MODEL, state, x), expected, rtol=1e-5)


def test_adda_moves_the_target_encoder_only():
    """The traps: a source encoder that moves with the copy; a critic on features instead of logits; joint labels."""
    strategy = ADDA(hidden=(4,))
    trained = run(strategy, begun(strategy, 0), 0, steps=2)
    entered = begun(strategy, 1, trained)
    assert entered.params["critic"]["layer0"]["kernel"].shape == (CLASSES, 4)
    assert same(entered.extra["source"]["params"], trained.params["features"])
    after = run(strategy, entered, 1, steps=3)
    assert same(after.extra["source"], entered.extra["source"])
    assert same(after.params["head"], trained.params["head"])
    assert not same(after.params["features"], trained.params["features"])
    assert not same(after.params["critic"], entered.params["critic"])


def test_adda_inverts_the_labels():
    """The trap: minimax, whose gradient vanishes where the critic wins, in place of inverted labels."""
    strategy = ADDA(hidden=(4,))
    state = begun(strategy, 1)
    shown = batch()
    judged = {}
    for name, x, train in (("source", shown.source.x, False), ("target", shown.target.x, True)):
        z, _ = features(state, x, train)
        judged[name] = mlp_apply(state.params["critic"], logits(state, z))[:, 0]
    source, target = (np.float64(judged[name]) for name in ("source", "target"))
    critic = np.mean(np.log1p(np.exp(-source))) / 2 + np.mean(np.log1p(np.exp(target))) / 2
    loss, metrics = value(strategy, state, 1, objective=0)
    assert loss == pytest.approx(critic, rel=1e-4)
    assert metrics["domain_accuracy"] == domain_accuracy(judged["source"], judged["target"])
    assert value(strategy, state, 1, objective=1)[0] == pytest.approx(np.mean(np.log1p(np.exp(-target))) / 2, rel=1e-4)
    assert [o.trains for o in strategy.phases(MODEL)[1].objectives] == [("critic",), ("features",)]


# ---- self-training


def test_shot_adapts_without_the_source():
    """The trap: source data in the source-free phase; a classifier that moves."""
    strategy = SHOT()
    source, adapt = strategy.phases(MODEL)
    assert (source.sees, adapt.sees) == ({"source"}, {"target"})
    trained = run(strategy, begun(strategy, 0), 0)
    after = run(strategy, begun(strategy, 1, trained), 1, steps=2)
    assert same(after.params["head"], trained.params["head"])
    assert not same(after.params["features"], trained.params["features"])


def test_shot_smooths_the_labels_of_the_source():
    state = begun(SHOT(), 0)
    z, _ = features(state, batch().source.x)
    expected = cross_entropy(logits(state, z), batch().source.y, 0.1)
    assert value(SHOT(), state, 0)[0] == pytest.approx(expected, rel=1e-5)


def test_shot_reads_the_bank_by_the_rows_index():
    """The trap: the bank read by place in the batch. Pseudo-labels belong to rows of the target train set."""
    strategy = SHOT(diversity=0.5, pseudo=0.3)
    state = begun(strategy, 1)
    bank = jnp.arange(ROWS) % CLASSES
    state = state._replace(extra={**state.extra, "labels": bank})
    z, _ = features(state, batch().target.x)
    out = logits(state, z)
    p = softmax(np.float64(out), 1)
    entropy, diversity = -np.mean(np.sum(p * np.log(p), 1)), -np.sum(p.mean(0) * np.log(p.mean(0)))
    pseudo = cross_entropy(out, np.asarray(bank)[np.asarray(batch().target.index)])
    assert value(strategy, state, 1)[0] == pytest.approx(entropy - 0.5 * diversity + 0.3 * pseudo, rel=1e-4)


def test_shot_labels_every_target_row_in_eval_mode():
    """The trap: pseudo-labels by batch statistics, so that they depend on how the sweep is cut."""
    strategy = SHOT()
    state = begun(strategy, 1)
    rows = jnp.asarray(np.random.default_rng(1).normal(1, 2, (ROWS, *SHAPE)), jnp.float32)

    def sweep(size):
        def over(function):
            parts = [function(rows[i : i + size]) for i in range(0, ROWS, size)]
            return jax.tree.map(lambda *leaves: jnp.concatenate(leaves), *parts)

        return strategy.phases(MODEL)[1].refresh(state, over, context()).extra["labels"]

    assert sweep(ROWS).shape == (ROWS,) and len(set(np.asarray(sweep(ROWS)).tolist())) > 1
    assert same(sweep(ROWS), sweep(4))


def test_mean_teacher_follows_slowly():
    """The trap: a teacher that gets gradients or copies the student."""
    strategy = MeanTeacher(decay=0.75, threshold=0.0)
    before = begun(strategy)
    after = run(strategy, before)
    expected = jax.tree.map(lambda t, s: 0.75 * t + 0.25 * s, before.params, after.params)
    jax.tree.map(lambda t, e: np.testing.assert_allclose(t, e, rtol=1e-6), after.extra["teacher"]["params"], expected)
    assert not same(after.params, before.params)


def test_mean_teacher_predicts_by_the_teacher():
    strategy = MeanTeacher()
    state, x = begun(strategy), batch().target.x
    teacher = {"params": init(jax.random.key(5)).params, "features": {"mean": jnp.full(WIDTH, 0.5)}}
    state = state._replace(extra={**state.extra, "teacher": teacher})
    expected, _ = features(State(teacher["params"], {"features": teacher["features"]}), x, train=False)
    got = strategy.predict(MODEL, state, x)
    np.testing.assert_allclose(got, logits(State(teacher["params"], {}), expected), rtol=1e-5)


def test_mean_teacher_trusts_confident_rows_only():
    """The trap: a threshold on the student, or a mean over the confident rows only, as the paper's is over all rows."""
    state = begun(MeanTeacher())
    none, some, every = (value(MeanTeacher(threshold=t), state)[1] for t in (1.0, 0.6, 0.0))
    assert none["consistency"] == 0 and none["confident"] == 0 and every["confident"] == 1
    assert 0 < some["confident"] < 1
    keys = jax.random.split(context().key, 3)
    teacher, _ = features(state, augment(keys[2], batch().target.x, "weak"))
    student, _ = features(state, augment(keys[1], batch().target.x, "weak"))
    p, q = (softmax(np.float64(logits(state, z)), 1) for z in (student, teacher))
    gaps = np.mean((p - q) ** 2, 1)
    assert gaps.max() > 0, "two augmentations of a row differ"
    assert some["consistency"] == pytest.approx(np.mean(gaps * (q.max(1) > 0.6)), rel=1e-3)
    loss, metrics = value(MeanTeacher(threshold=0.6), state)
    assert loss == pytest.approx(metrics["task"] + 3 * some["consistency"], rel=1e-5)


def test_tent_moves_the_norms_on_the_test_stream():
    """The traps: all weights moved; the source seen at test time."""
    strategy = TENT()
    source, online = strategy.phases(MODEL)
    assert online.online and online.sees == {"target"} and not source.online
    before = begun(strategy)
    after = run(strategy, before)
    assert same(after.params["features"]["fc"], before.params["features"]["fc"])
    assert same(after.params["head"], before.params["head"])
    assert not same(after.params["features"]["bn"], before.params["features"]["bn"])
    p = softmax(np.float64(logits(before, features(before, batch().target.x)[0])), 1)
    assert value(strategy, before)[0] == pytest.approx(-np.mean(np.sum(p * np.log(p), 1)), rel=1e-4)


def test_tent_predicts_by_the_batchs_statistics():
    """The trap: test-time adaptation that predicts with the source's running statistics."""
    state, x = begun(TENT()), batch().target.x
    got = TENT().predict(MODEL, state, x)
    np.testing.assert_allclose(got, logits(state, features(state, x, train=True)[0]), rtol=1e-6)
    assert not np.allclose(got, logits(state, features(state, x, train=False)[0]))


def test_tent_says_that_a_backbone_has_no_norm():
    """The trap: a strategy that trains nothing and reports the source's score as adaptation."""
    state = begun(TENT())
    plain = state._replace(params={**state.params, "features": {"fc": state.params["features"]["fc"]}})
    phase = TENT().phases(MODEL)[1]
    with pytest.raises(ContractError, match=r"TENT, phase test trains group 'norm' .*bn.* no parameter"):
        start(TENT(), phase, RECIPE, RECIPE.hyper(), plain)
