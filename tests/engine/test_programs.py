"""The pure programs of a run, each by itself: evaluation, sweeps, draws, steps, the probe; and keys used once."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tlx import ContractError, Objective, Phase, Strategy, strategy
from tlx.contract import Online, Sweep
from tlx.engine import programs
from tlx.engine.programs import Chunk, Clock, Settings, Setup
from tlx.engine.tables import device_data, normalise
from tlx.engine.train import model_spec
from tlx.testing.tiny import TinyBN, tiny_recipe, tiny_task

TASK = tiny_task()
RECIPE = tiny_recipe()
SPEC = model_spec(TinyBN, TASK, RECIPE)
MODEL = programs.make_model(SPEC)
SEES = frozenset({"source", "target", "labelled"})


@strategy
class Whole(Strategy):
    """Uses every hook of a phase, and draws from every key; then an online phase."""

    weight: float = 1.0

    def init(self, model, key):
        one, other = jax.random.split(key)
        return model.init(one).put(noise=jax.random.normal(other, (3,)))

    def phases(self, model):
        def begin(state, context):
            state = model.add(state, context.key, "head2", model.classifier())
            return state.put(bank=jnp.zeros(model.rows["target"]))

        def each(state, rows):
            features, _ = model.features(state, rows.x, train=False)
            return {"z": model.classify(state, features, train=False)[0], "index": rows.index}

        def refresh(state, swept, context):
            return state.put(bank=swept["bank"]["z"][:, 0] + jax.random.normal(context.key))

        def draw(state, fields, key, sizes):
            return {"target": jax.random.randint(key, (sizes["target"],), 0, fields["target"].rows)}

        def loss(state, batch, context):
            x = model.augment(context.key, batch.source.x)
            features, state = model.features(state, x)
            logits, state = model.classify(state, features, net="head2")
            value = self.weight * model.task_loss(logits, batch.source.y)
            return value + 0 * state.extra["bank"][batch.target.index].sum(), state, {"x": batch.labelled.x.mean()}

        def after(state, batch, context):
            return state.put(noise=jax.random.normal(context.key, (3,)))

        def quiet(state, batch, context):
            features, state = model.features(state, batch.target.x)
            return jnp.square(features).mean(), state, {}

        return (
            Phase(
                (Objective(loss), Objective(loss, ("head2",), repeat=2)),
                sees=SEES,
                begin=begin,
                sweeps={"bank": Sweep("target", each), "val": Sweep("source_val", lambda state, rows: rows.y)},
                refresh=refresh,
                draw=draw,
                after=after,
                batch={"target": 2},
            ),
            Phase((Objective(quiet),), name="test", sees=frozenset({"target"}), online=Online()),
        )


PHASES = Whole().phases(MODEL)
DATA = device_data(TASK, PHASES)
SETTINGS = jax.tree.map(jnp.float32, Settings(Whole(), RECIPE.traced()))


def setup(phase: int = 0) -> Setup:
    return Setup(SPEC, RECIPE.static(), phase)


def keys() -> Any:
    return programs.run_keys(jax.random.key(3), 2)[1]


@pytest.fixture(scope="module")
def state():
    return programs.make_model(SPEC).init(jax.random.key(0))


def jitted(function: Any, static: int):
    """A program under plain `jax.jit`, whose first arguments are static."""
    return jax.jit(function, static_argnums=tuple(range(static)))


def evaluate(state, name: str, rows: np.ndarray, x: Any = None) -> jax.Array:
    shared = (DATA, DATA.tables[name], Chunk(jnp.asarray(rows), x), jnp.int32(len(rows)))
    return jitted(programs.evaluate, 1)(setup(), SETTINGS, shared, state, None)


@pytest.mark.parametrize("size", [1, 7])
def test_slices_give_what_the_whole_gives(state, size):
    order = np.random.default_rng(0).permutation(21).reshape(-1, size)
    got = evaluate(state, "source_val", order)
    whole = Strategy().predict(MODEL, state, normalise(DATA, jnp.asarray(TASK.source_val.x)))
    np.testing.assert_allclose(got, np.asarray(whole)[order], atol=1e-5)
    streamed = evaluate(state, "source_val", order, jnp.asarray(TASK.source_val.x[order]))
    np.testing.assert_allclose(streamed, got, atol=1e-6)


def test_slices_past_the_count_are_not_computed(state):
    rows = jnp.zeros((4, 7), jnp.int32)
    shared = (DATA, DATA.tables["test"], Chunk(rows), jnp.int32(2))
    out = jitted(programs.evaluate, 1)(setup(), SETTINGS, shared, state, None)
    assert np.abs(out[:2]).min() > 0 and not out[2:].any()


def traced(function: Any, *arguments: Any):
    """A contract violation shows when a program is traced."""
    return jax.eval_shape(lambda: function(*arguments))


def test_a_prediction_of_a_wrong_shape_is_named(state):
    class Wide(Strategy):
        def predict(self, model, state, x):
            return model.features(state, x, train=False)[0]

    shared = (DATA, DATA.tables["test"], Chunk(jnp.zeros((2, 7), jnp.int32)), jnp.int32(2))
    with pytest.raises(ContractError, match=r"Wide: `predict` returned shape \(7, 16\); expected \(7, 3\)"):
        traced(programs.evaluate, setup(), Settings(Wide(), {}), shared, state, None)


def made(**fields) -> Settings:
    """Settings of a strategy with one phase."""

    class Made(Strategy):
        def phases(self, model):
            loss = Objective(lambda state, batch, context: (jnp.sum(state.params["head"]["bias"]), state, {}))
            return (Phase((loss,), **fields),)

    return Settings(Made(), SETTINGS.traced)


@pytest.mark.parametrize(
    ("drawn", "message"),
    [
        (lambda s, f, k, n: {"labelled": jnp.zeros(8, jnp.int32)}, r"`draw` gives rows of 'labelled'; it sees: source"),
        (
            lambda s, f, k, n: {"target": jnp.zeros(n["target"] + 1, jnp.int32)},
            r"phase train: `draw` gives int32\[9\] for 'target'; expected whole numbers \[8\]",
        ),
        (lambda s, f, k, n: {"target": jnp.zeros(n["target"])}, r"`draw` gives float32\[8\] for 'target'"),
    ],
)
def test_a_wrong_draw_is_named(state, drawn, message):
    clock = Clock(jnp.int32(0), jnp.int32(12))
    carry = programs.Carry(state, {})
    with pytest.raises(ContractError, match=message):
        traced(programs.draw, 3, setup(), made(draw=drawn), (DATA, clock), carry, keys()[0])


def test_a_sweep_whose_rows_do_not_come_first_is_named(state):
    settings = made(sweeps={"bank": Sweep("target", lambda state, rows: rows.x.mean())})
    with pytest.raises(ContractError, match=r"sweep 'bank' returned shape \(\) for 5 rows; expected that number"):
        chunk = Chunk(jnp.zeros((2, 5), jnp.int32))
        traced(programs.sweep, "bank", setup(), settings, (DATA, chunk), programs.Carry(state, {}), None)


def test_refresh_may_not_change_the_tree(state):
    settings = made(refresh=lambda state, swept, context: state.put(more=jnp.zeros(2)))
    with pytest.raises(ContractError, match=r"`refresh` changed the state's tree at 'extra/more'"):
        clock = Clock(jnp.int32(0), jnp.int32(12))
        traced(programs.refresh, setup(), settings, clock, programs.Carry(state, {}), (keys()[0], {}))


def test_batches_are_multiples_of_the_recipes():
    phase = Phase(sees=SEES, batch={"target": 7, "labelled": 0.25}, recipe={"batch": 6})
    assert programs.batch_sizes(RECIPE, phase) == {"source": 6, "target": 42, "labelled": 2}
    assert programs.batch_sizes(RECIPE, Phase(batch={"source": 0.01})) == {"source": 1, "target": 8}
    assert programs.batch_sizes(RECIPE.replace(phases={"train": {"batch": 3}}), phase)["source"] == 3


def test_a_draw_is_a_function_of_its_steps(state):
    """The trap: a second round that draws the rows of the first again."""
    carry = programs.Carry(state, {})
    draw = jitted(programs.draw, 2)

    def drawn(steps, done):
        rows, inside = draw(steps, setup(), SETTINGS, (DATA, Clock(jnp.int32(done), jnp.int32(12))), carry, keys()[0])
        assert bool(inside)
        return jax.tree.map(np.asarray, rows)

    whole, later = drawn(6, 0), drawn(3, 3)
    assert {name: rows.shape for name, rows in whole.items()} == {
        "source": (6, 8),
        "target": (6, 16),
        "labelled": (6, 8),
    }
    for name, rows in later.items():
        np.testing.assert_array_equal(rows, whole[name][3:])
        assert len({tuple(row) for row in whole[name].tolist()}) == 6


@pytest.mark.slow
def test_every_key_is_used_once():
    """The programs of a run in their order, each by plain `jax.jit`, where a key that is used twice is an error."""
    with jax.debug_key_reuse(True):
        init_key, (first, second) = programs.run_keys(jax.random.key(3), 2)
        clock = Clock(jnp.int32(0), jnp.int32(12))
        state = jitted(programs.init, 1)(setup(), SETTINGS, None, None, (init_key, {}))
        carry = jitted(programs.enter, 1)(setup(), SETTINGS, None, state, first)
        swept = {}
        for name, over in (("bank", "target"), ("val", "source_val")):
            rows = jnp.arange(len(getattr(TASK, over).domain))[None]
            out = jitted(programs.sweep, 2)(name, setup(), SETTINGS, (DATA, Chunk(rows)), carry, None)
            swept[name] = jax.tree.map(lambda leaf: leaf[0], out)
        np.testing.assert_array_equal(swept["bank"]["index"], np.arange(45))
        np.testing.assert_array_equal(swept["val"], TASK.source_val.y)
        carry = jitted(programs.refresh, 1)(setup(), SETTINGS, clock, carry, (first, swept))
        rows, inside = jitted(programs.draw, 2)(3, setup(), SETTINGS, (DATA, clock), carry, first)
        assert bool(inside)
        carry, metrics = jitted(programs.train, 1)(setup(), SETTINGS, (DATA, clock), carry, (first, Chunk(rows)))
        assert metrics["loss/0"].shape == (3,) and np.isfinite(metrics["loss/0"]).all()
        carry = jitted(programs.enter, 1)(setup(1), SETTINGS, None, carry.state, second)
        chunk = Chunk(jnp.asarray(TASK.order[:16]).reshape(2, 8))
        online = jitted(programs.online, 1)
        carry, (_, logits) = online(setup(1), SETTINGS, (DATA, clock, chunk), carry, second)
        assert logits.shape == (2, 8, 3) and bool(programs.all_finite(metrics, carry.state))


def test_keys_of_phases_and_uses_differ():
    init, phases = programs.run_keys(jax.random.key(0), 3)
    every = [init, *(key for phase in phases for key in phase)]
    assert len({tuple(jax.random.key_data(key).tolist()) for key in every}) == 1 + 3 * 4


def test_features_of_the_probe_are_those_that_the_prediction_is_made_from(state):
    @strategy
    class Twice(Strategy):
        def predict(self, model, state, x):
            features, _ = model.features(state, 2 * x, train=False)
            return features[:, :3]

    x = jnp.asarray(TASK.test.x)
    seen = jitted(programs.probe, 1)(setup(), Settings(Twice(), {}), (DATA, x), state, None)
    np.testing.assert_array_equal(seen.features[:, :3], seen.logits)
    whole, _ = MODEL.features(state, 2 * normalise(DATA, x), train=False)
    np.testing.assert_allclose(seen.features, whole, atol=1e-5)

    @strategy
    class Blind(Strategy):
        def predict(self, model, state, x):
            return jnp.zeros((x.shape[0], 3))

    seen = jitted(programs.probe, 1)(setup(), Settings(Blind(), {}), (DATA, x), state, None)
    own, _ = MODEL.features(state, normalise(DATA, x), train=False)
    np.testing.assert_allclose(seen.features, own, atol=1e-5)


def test_what_is_not_finite_is_seen(state):
    fine = programs.all_finite({"loss": jnp.ones(3), "none": jnp.zeros(0)}, state)
    assert bool(fine)
    assert not bool(programs.all_finite({"loss": jnp.array([1.0, jnp.inf])}, state))
    assert not bool(programs.all_finite({}, state.put_params(w=jnp.array(jnp.nan))))
