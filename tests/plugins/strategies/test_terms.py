"""What each additive strategy makes of one forward pass: which outputs its term sees, its weight, and its gradients."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import ot
import pytest
from scipy.special import log_softmax, softmax

from tlx import Additive, Batch, Context, Labelled, Model, NotShown, Outputs, State, Unlabelled
from tlx.ops import confusion_loss, domain_loss, margin_disparity, mlp_apply, random_multilinear_map
from tlx_strategies.adda_joint import ADDAJoint
from tlx_strategies.afn import AFN
from tlx_strategies.atdoc import ATDOC
from tlx_strategies.bnm import BNM
from tlx_strategies.bsp import BSP
from tlx_strategies.cdan import CDAN
from tlx_strategies.cmd import CMD
from tlx_strategies.coral import CORAL
from tlx_strategies.dann import DANN
from tlx_strategies.ddc import DDC
from tlx_strategies.deepjdot import DeepJDOT
from tlx_strategies.domain_confusion import DomainConfusion
from tlx_strategies.entropy_min import EntropyMin
from tlx_strategies.homm import HoMM
from tlx_strategies.im import IM
from tlx_strategies.jan import JAN
from tlx_strategies.kl_gaussian import KLGaussian
from tlx_strategies.mcc import MCC
from tlx_strategies.mdd import MDD
from tlx_strategies.mmd import MMD
from tlx_strategies.pseudo_label import PseudoLabel

N, WIDTH, CLASSES, ROWS = 6, 4, 3, 12


def init(key):
    return State({"features": {}, "head": {}}, {"features": {}})


NO: Any = None
MODEL = Model(init, NO, NO, NO, NO, WIDTH, CLASSES, ROWS, (1, 1, 1), NO, NO)
RANDOM = np.random.default_rng(0)
OUTPUTS = Outputs(*(jnp.float32(RANDOM.normal(size=(N, width))) for width in (WIDTH, WIDTH, CLASSES, CLASSES)))
Y, INDEX = jnp.asarray(RANDOM.integers(0, CLASSES, N)), jnp.asarray(RANDOM.permutation(ROWS)[:N])
HIDDEN = NotShown("labelled", ("source", "target"), "test")
BATCH = Batch(Labelled(NO, Y, Y), Unlabelled(NO, INDEX), HIDDEN)  # pyright: ignore[reportArgumentType]

DISTANCES = [MMD(), MMD(estimator="linear"), JAN(), DDC(), DDC(kernel="gaussian"), CORAL(), CMD(), CMD(bound="tanh"),
             HoMM(samples=50), KLGaussian()]  # fmt: skip
OF_THE_TARGET = [MCC(), BNM(), IM(), EntropyMin(), PseudoLabel(), ATDOC(neighbours=2)]
OTHERS = [AFN(), AFN(variant="hard"), BSP(), DANN(hidden=(5,)), CDAN(hidden=(5,)), MDD(hidden=(5,))]
every = functools.partial(pytest.mark.parametrize, ids=lambda s: type(s).__name__)


def begun(strategy: Additive) -> State:
    return strategy.init(MODEL, jax.random.key(1))


@functools.partial(jax.jit, static_argnames="static")
def traced(strategy, state, outputs, progress, static):
    def term(strategy, params, outputs):
        context = Context(jax.random.key(2), progress)
        value, after, metrics = strategy.transfer(MODEL, state._replace(params=params), outputs, BATCH, context)
        return value, (after, metrics)

    return jax.value_and_grad(term, argnums=(0, 1, 2), has_aux=True)(strategy, state.params, outputs)


def term(strategy: Additive, outputs: Outputs = OUTPUTS, progress: float = 0.4, state: State | None = None):
    """value, (state, metrics), (slope of the settings, of the parameters, of the outputs)."""
    state = begun(strategy) if state is None else state
    (value, aux), slopes = traced(strategy, state, outputs, jnp.float32(progress), type(strategy))
    return float(value), aux, slopes


@every("strategy", [*DISTANCES, *OF_THE_TARGET, *OTHERS])
def test_the_weight_multiplies_the_term(strategy):
    """A term linear in its weight has the slope term / weight there."""
    value, (after, metrics), (slope, _, _) = term(strategy)
    assert float(slope.weight) * strategy.weight == pytest.approx(value, rel=1e-4)
    assert all(np.isfinite(metric) for metric in metrics.values())
    assert jax.tree.structure(after) == jax.tree.structure(begun(strategy))


@every("strategy", [s for s in DISTANCES if getattr(s, "estimator", "") != "linear"])
def test_a_distance_is_zero_between_equal_outputs(strategy):
    """The trap: source features against target logits, or one domain against itself."""
    same = OUTPUTS._replace(target=OUTPUTS.source, target_logits=OUTPUTS.source_logits)
    assert term(strategy, same)[0] == pytest.approx(0, abs=1e-6)
    assert term(strategy)[0] > 1e-4


@every("strategy", OF_THE_TARGET)
def test_a_term_of_the_target_leaves_the_source_alone(strategy):
    _, _, (_, _, slope) = term(strategy)
    assert np.any(slope.target_logits)
    assert not any(np.any(part) for part in (slope.source, slope.source_logits, slope.target))


def test_mdd_reverses_a_tenth_of_the_gradient_and_trains_its_adversary():
    """The trap: the adversary's margin game without eta, which drowns the task."""
    strategy = MDD(hidden=(5,))
    state = begun(strategy)
    _, _, (_, params, outputs) = term(strategy, progress=0.4, state=state)

    def game(params, source, target):
        of = [mlp_apply(params["adversary"], z) for z in (source, target)]
        return margin_disparity(OUTPUTS.source_logits, of[0], OUTPUTS.target_logits, of[1], 4.0)

    own, *of = jax.grad(game, argnums=(0, 1, 2))(state.params, OUTPUTS.source, OUTPUTS.target)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-6), params["adversary"], own["adversary"])
    for found, plain in zip((outputs.source, outputs.target), of, strict=True):
        np.testing.assert_allclose(found, -0.1 * np.tanh(2) * plain, atol=1e-6)
    assert not np.any(outputs.source_logits) and not np.any(outputs.target_logits)


def test_domain_confusion_gives_each_side_its_own_loss():
    """The trap: features that go down the discriminator's loss as well, or a discriminator that goes for confusion."""
    strategy = DomainConfusion(weight=0.5, hidden=(5,))
    state = begun(strategy)
    _, _, (_, params, outputs) = term(strategy, state=state)
    judge = lambda critic, z: mlp_apply(critic, z)[:, 0]  # noqa: E731
    critic = state.params["critic"]
    own = jax.grad(lambda c: domain_loss(judge(c, OUTPUTS.source), judge(c, OUTPUTS.target)))(critic)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-6), params["critic"], own)
    both = jnp.concatenate([OUTPUTS.source, OUTPUTS.target])
    confused = jax.grad(lambda z: 0.5 * confusion_loss(judge(critic, z)))(both)
    np.testing.assert_allclose(jnp.concatenate([outputs.source, outputs.target]), confused, atol=1e-6)


def test_joint_adda_gives_each_side_its_own_labels():
    """The trap: a discriminator that learns the inverted labels, or features that go down the right ones."""
    strategy = ADDAJoint(weight=0.5, gamma=3.0, hidden=(5,))
    state = begun(strategy)
    loss, _, (_, params, outputs) = term(strategy, state=state, progress=0.4)
    critic = state.params["critic"]

    def sides(critic, source, target):
        judged = mlp_apply(critic, jnp.concatenate([source, target]))[:, 0]
        return jax.nn.softplus(judged[:N]).mean(), jax.nn.softplus(-judged[N:]).mean(), judged

    def own(critic):
        judged = sides(critic, OUTPUTS.source, OUTPUTS.target)[2]
        return (jax.nn.softplus(-judged[:N]).mean() + jax.nn.softplus(judged[N:]).mean()) / 2

    flow = 2 / (1 + np.exp(-3.0 * 0.4)) - 1
    inverted = lambda source, target: 0.25 * flow * sum(sides(critic, source, target)[:2])  # noqa: E731
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-6), params["critic"], jax.grad(own)(critic))
    slopes = jax.grad(inverted, (0, 1))(OUTPUTS.source, OUTPUTS.target)
    np.testing.assert_allclose(outputs.source, slopes[0], atol=1e-6)
    np.testing.assert_allclose(outputs.target, slopes[1], atol=1e-6)
    np.testing.assert_allclose(loss, own(critic) + inverted(OUTPUTS.source, OUTPUTS.target), rtol=1e-5)
    assert not np.any(term(strategy, state=state, progress=0.0)[2][2].target)


def test_cdan_gives_predictions_no_gradient_but_by_the_entropy():
    """The trap: g trained to fool D. With entropy the weights' gradient arrives, and is reversed: 0 at progress 0."""
    plain, conditioned = CDAN(hidden=(5,)), CDAN(hidden=(5,), entropy=True)
    assert not np.any(term(plain)[2][2].target_logits)
    assert np.any(term(conditioned)[2][2].target_logits)
    assert not np.any(term(conditioned, progress=0.0)[2][2].target_logits)
    assert np.any(term(plain)[2][2].target) and term(plain)[0] != term(conditioned)[0]


def test_cdan_with_a_random_map_keeps_it():
    """The trap: a map that is drawn anew at every step, or trained."""
    strategy = CDAN(hidden=(), random=7)
    state = begun(strategy)
    assert state.params["critic"]["layer0"]["kernel"].shape == (7, 1) and "maps" not in state.params
    value, (after, _), _ = term(strategy, state=state)
    np.testing.assert_array_equal(after.extra["maps"][0], state.extra["maps"][0])
    judged = [
        mlp_apply(state.params["critic"], random_multilinear_map(z, jax.nn.softmax(out), *state.extra["maps"]))[:, 0]
        for z, out in ((OUTPUTS.source, OUTPUTS.source_logits), (OUTPUTS.target, OUTPUTS.target_logits))
    ]
    assert value == pytest.approx(float(domain_loss(*judged)), rel=1e-5)
    assert begun(CDAN(hidden=())).params["critic"]["layer0"]["kernel"].shape == (WIDTH * CLASSES, 1)


def test_pseudo_label_waits_and_then_grows():
    """The trap: labels of an untrained classifier believed from the first step."""
    logits = np.float64(OUTPUTS.target_logits)
    loss = -np.mean(log_softmax(logits, 1).max(1))
    values = [term(PseudoLabel(), progress=p)[0] for p in (0.0, 0.1, 0.35, 0.6, 1.0)]
    assert values == pytest.approx([0, 0, 1.5 * loss, 3 * loss, 3 * loss], rel=1e-4, abs=1e-6)
    sure = softmax(logits, 1).max(1) >= 0.6
    expected = -3 * np.mean(sure * log_softmax(logits, 1).max(1))
    assert 0 < sure.sum() < N and term(PseudoLabel(threshold=0.6), progress=1.0)[0] == pytest.approx(expected, rel=1e-4)


def test_atdoc_remembers_rows_by_their_place():
    """The traps: a memory by place in the batch; a label by the classifier where its neighbours say another."""
    strategy = ATDOC(neighbours=1)
    state = begun(strategy)
    unit = np.asarray(OUTPUTS.target / np.linalg.norm(OUTPUTS.target, axis=1, keepdims=True))
    away = [int(i) for i in set(range(ROWS)) - set(np.asarray(INDEX).tolist())]
    memory = {"features": -jnp.ones((ROWS, WIDTH)), "p": jnp.zeros((ROWS, CLASSES)).at[:, 2].set(0.7)}
    memory = {"features": memory["features"].at[away[0]].set(unit[0]), "p": memory["p"].at[away[0]].set([0.9, 0, 0])}
    state = state._replace(extra={**state.extra, "memory": memory})
    value, (after, metrics), _ = term(strategy, progress=0.5, state=state)
    near = [0 if unit[i] @ unit[0] > unit[i] @ -np.ones(WIDTH) else 2 for i in range(N)]
    trust = np.array([0.9 if label == 0 else 0.7 for label in near])
    log_p = log_softmax(np.float64(OUTPUTS.target_logits), 1)
    expected = -np.sum(trust * log_p[np.arange(N), near]) / trust.sum()
    assert {0, 2} == set(near) and value == pytest.approx(0.5 * expected, rel=1e-4)
    p = softmax(np.float64(OUTPUTS.target_logits), 1) ** 2
    np.testing.assert_allclose(after.extra["memory"]["features"][INDEX], unit, rtol=1e-5)
    np.testing.assert_allclose(after.extra["memory"]["p"][INDEX], p / p.sum(0), rtol=1e-4)
    np.testing.assert_array_equal(after.extra["memory"]["p"][jnp.array(away)], memory["p"][jnp.array(away)])


def test_deepjdot_costs_about_what_pots_exact_plan_costs():
    """The trap: source labels against source predictions. Sinkhorn's plan is near the exact one: see test_transport."""
    strategy = DeepJDOT(alpha=0.5, beta=1.0)
    near = ot.dist(np.float64(OUTPUTS.source), np.float64(OUTPUTS.target))
    wrong = -log_softmax(np.float64(OUTPUTS.target_logits), 1)[:, np.asarray(Y)].T
    exact = float(np.asarray(ot.emd2(np.full(N, 1 / N), np.full(N, 1 / N), 0.5 * near + wrong)))
    value, _, (_, _, slope) = term(strategy)
    assert 0.97 * exact <= value <= 1.08 * exact
    assert not np.any(slope.source_logits) and np.any(slope.source) and np.any(slope.target_logits)


def test_afn_lengthens_and_bsp_shortens():
    for strategy, longer in ((AFN(), True), (BSP(), False)):
        slope = term(strategy)[2][2]
        pushed = np.sum(OUTPUTS.source * slope.source) < 0, np.sum(OUTPUTS.target * slope.target) < 0
        assert pushed == (longer, longer)
