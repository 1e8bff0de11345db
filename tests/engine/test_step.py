"""One step against a hand-written gradient step, and the errors of a strategy that breaks the contract."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from tlx import Batch, ContractError, Labelled, NotShown, Objective, Phase, State, Strategy, strategy
from tlx.engine.model import ModelSpec, Shapes, make_model
from tlx.engine.optimizer import descent
from tlx.engine.step import Program, Where, start, step
from tlx.testing.tiny import TinyBN, tiny_recipe

MODEL = make_model(ModelSpec(TinyBN, Shapes.of(np.zeros((1, 8, 8, 1), np.uint8)), 3, 3))
RECIPE = tiny_recipe().replace(momentum=0.0, nesterov=False, weight_decay=0.0, schedule="constant", lr=0.1)
STATE = MODEL.init(jax.random.key(0))
HIDDEN = NotShown("target", ("source",), "test")
ROWS = Labelled(
    jax.random.normal(jax.random.key(1), (6, 8, 8, 1)), jnp.arange(6) % 3, jnp.zeros(6, jnp.int32), jnp.arange(6)
)
BATCH = Batch(ROWS, HIDDEN, HIDDEN)  # pyright: ignore[reportArgumentType]


def task(state, batch, context):
    features, state = MODEL.features(state, batch.source.x)
    logits, state = MODEL.classify(state, features)
    return optax.softmax_cross_entropy_with_integer_labels(logits, batch.source.y).mean(), state, {}


def taken(*objectives: Objective, state: State = STATE, **phase):
    """State and metrics after one step of a phase with these objectives."""
    made = Phase(objectives, **phase)
    program = Program(Where("Strategy", made.name), {}, made, descent(RECIPE, RECIPE.traced(), made))
    carry, metrics = step(program, start(program, state), BATCH, jax.random.key(2), jnp.float32(0))
    return carry.state, metrics


def traced(*objectives: Objective, **phase):
    """A violation of the contract shows when it is traced."""
    return jax.eval_shape(lambda: taken(*objectives, **phase))


def test_a_step_is_a_plain_gradient_step():
    after, metrics = taken(Objective(task))

    def loss(params):
        value, state, _ = task(STATE._replace(params=params), BATCH, None)
        return value, state.stats

    (value, stats), grads = jax.value_and_grad(loss, has_aux=True)(STATE.params)
    expected = jax.tree.map(lambda p, g: p - 0.1 * g, STATE.params, grads)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-6), after.params, expected)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-6), after.stats, stats)
    np.testing.assert_allclose(metrics["loss"], value, rtol=1e-6)


def test_an_objective_trains_its_groups_only():
    after, _ = taken(Objective(task, ("head",)))
    jax.tree.map(np.testing.assert_array_equal, after.params["features"], STATE.params["features"])
    assert not np.array_equal(after.params["head"]["kernel"], STATE.params["head"]["kernel"])


def test_objectives_go_in_order_from_the_state_of_the_last():
    both, metrics = taken(Objective(task, ("head",)), Objective(task, ("features",)))
    first, _ = taken(Objective(task, ("head",)))
    second, _ = taken(Objective(task, ("features",)), state=first)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-6), both.params, second.params)
    assert set(metrics) == {"loss/0", "loss/1"}


def test_repeat_is_the_same_step_again():
    thrice, _ = taken(Objective(task, ("head",), repeat=3))
    state = STATE
    for _ in range(3):
        state, _ = taken(Objective(task, ("head",)), state=state)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-6), thrice.params, state.params)


def test_every_objective_and_repeat_has_a_key_of_its_own():
    def drawn(state, batch, context):
        return jnp.sum(state.params["head"]["bias"]), state, {"draw": jax.random.normal(context.key)}

    def after(state, batch, context):
        return state.put(last=jax.random.normal(context.key))

    state, metrics = taken(
        Objective(drawn), Objective(drawn), Objective(drawn, repeat=2), state=STATE.put(last=jnp.zeros(())), after=after
    )
    draws = [*(value for name, value in metrics.items() if name.startswith("draw")), state.extra["last"]]
    assert len({float(value) for value in draws}) == 4


def test_a_key_of_the_repeats_is_no_key_of_another_objective():
    """The trap: metrics show the last repeat alone, so each repeat notes its draw in `extra`."""

    def drawn(state, batch, context):
        seen, at = state.extra["seen"], state.extra["at"]
        noted = state.put(seen=seen.at[at].set(jax.random.normal(context.key)), at=at + 1)
        return jnp.sum(state.params["head"]["bias"]), noted, {}

    blank = STATE.put(seen=jnp.zeros(5), at=jnp.int32(0))
    state, _ = taken(Objective(drawn, repeat=2), Objective(drawn), Objective(drawn, repeat=2), state=blank)
    assert len(set(state.extra["seen"].tolist())) == 5


def test_after_sees_the_moved_state():
    def after(state, batch, context):
        return state._replace(params=jax.tree.map(jnp.zeros_like, state.params))

    state, _ = taken(Objective(task), after=after)
    assert not any(leaf.any() for leaf in jax.tree.leaves(state.params))


def test_the_rate_of_a_phase_scales_the_step():
    whole, _ = taken(Objective(task, ("head",)))
    half, _ = taken(Objective(task, ("head",)), rate=0.5)
    before = STATE.params["head"]["kernel"]
    move, smaller = (state.params["head"]["kernel"] - before for state in (whole, half))
    np.testing.assert_allclose(smaller, move / 2, atol=1e-7)


def test_changed_params_of_the_returned_state_do_not_count():
    def sly(state, batch, context):
        value, state, metrics = task(state, batch, context)
        return value, state._replace(params=jax.tree.map(jnp.zeros_like, state.params)), metrics

    jax.tree.map(np.testing.assert_array_equal, taken(Objective(sly))[0].params, taken(Objective(task))[0].params)


def grown(state, batch, context):
    value, state, metrics = task(state, batch, context)
    return value, state.put(more=jnp.zeros(2)), metrics


def added(state, batch, context):
    value, state, metrics = task(state, batch, context)
    return value, MODEL.add(state, context.key, "critic", MODEL.classifier()), metrics


def dropped(state, batch, context):
    value, state, metrics = task(state, batch, context)
    return value, state._replace(stats={"features": state.stats["features"]}), metrics


def reshaped(state, batch, context):
    return state.put_params(head={"kernel": jnp.zeros(2), "bias": jnp.zeros(3)})


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        (
            lambda s, b, c: jnp.float32(0),
            r"phase train: the loss returned float32\[\]; expected \(loss, state, metrics\)",
        ),
        (lambda s, b, c: (jnp.zeros(6), s, {}), r"the loss is float32\[6\]; expected a float scalar"),
        (lambda s, b, c: (jnp.int32(0), s, {}), r"the loss is int32\[\]; expected a float scalar"),
        (lambda s, b, c: (jnp.sum(s.params["head"]["bias"]), s, {"m": jnp.zeros(2)}), r"metric 'm' is float32\[2\]"),
        (lambda s, b, c: (jnp.sum(s.params["head"]["bias"]), s, None), r"the metrics are absent; expected a dict"),
        (grown, r"the loss changed the state's tree at 'extra/more': it was absent, is float32\[2\]"),
        (
            lambda s, b, c: (jnp.sum(s.params["head"]["bias"]), s.put(bank=jnp.zeros(3, jnp.int32)), {}),
            r"the loss changed the state's tree at 'extra/bank': it was float32\[3\], is int32\[3\]",
        ),
    ],
)
def test_a_wrong_return_is_named(loss, message):
    with pytest.raises(ContractError, match=message):
        traced(Objective(loss), state=STATE.put(bank=jnp.zeros(3)))


@pytest.mark.parametrize("change", [added, dropped])
def test_a_loss_may_neither_add_nor_drop_a_network(change):
    with pytest.raises(ContractError, match=r"phase train: the loss changed the state's tree"):
        traced(Objective(change))


def test_after_may_not_change_the_tree():
    with pytest.raises(
        ContractError, match=r"`after` changed the state's tree at 'params/head/kernel': it was float32"
    ):
        traced(Objective(task), after=lambda state, batch, context: reshaped(state, batch, context))


def test_a_strategy_without_a_loss_says_so():
    @strategy
    class Empty(Strategy):
        """Has neither loss nor phases."""

    with pytest.raises(NotImplementedError, match="Empty defines neither `loss` nor `phases`"):
        phase = Empty().phases(MODEL)[0]
        taken(*phase.objectives)
