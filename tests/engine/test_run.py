"""A run on the host, by its outcome: sweeps, draws, online passes, several domains and targets, kinds of input."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tlx import ContractError, Objective, Phase, Strategy, strategy
from tlx.contract import Online, Sweep
from tlx.engine.train import train
from tlx.testing.tiny import TinyBN, tiny_recipe, tiny_task

pytestmark = pytest.mark.slow

RECIPE = tiny_recipe()
TASK = tiny_task()
SEES = frozenset({"source", "target", "labelled"})


def task_loss(model):
    def loss(state, batch, context):
        features, state = model.features(state, batch.source.x)
        logits, state = model.classify(state, features)
        return model.task_loss(logits, batch.source.y), state, {}

    return loss


def still(state, batch, context):
    """A loss that moves the classifier's bias alone."""
    return jnp.sum(state.params["head"]["bias"]), state, {}


def with_phases(*made, **facts):
    """A strategy with these phases, each given as a function of the model."""
    kind = type("Made", (Strategy,), {"phases": lambda self, model: tuple(one(model) for one in made), **facts})
    return strategy(kind)()


class Joined(TinyBN):
    """TinyBN on a tree of vectors [2] and [4]."""

    def __init__(self, shape, rngs):
        assert shape == {"first": (2,), "others": (4,)}
        super().__init__((6,), rngs)

    def __call__(self, x):
        return super().__call__(jnp.concatenate([x["first"], x["others"]], 1))


def run(strategy, data=TASK, recipe=RECIPE, seeds=(0,), **more):
    backbone = Joined if isinstance(data.source.x, dict) else TinyBN
    return train(strategy, backbone, data, recipe, seeds, **more)


def total(x) -> Any:
    """A number for each row of x that tells rows apart."""
    return sum(leaf.astype(jnp.float32).reshape(leaf.shape[0], -1).mean(1) for leaf in jax.tree.leaves(x))


def scaled(rows, data) -> Any:
    """x of rows as the network sees it."""

    def one(x, mean, std):
        x = x / 255 if x.dtype == np.uint8 else x
        return (x - mean) / std if x.dtype != np.int32 else x

    return jax.tree.map(one, rows.x, data.mean, data.std)


FIELDS = ("source", "source_val", "target", "labelled")


@strategy
class Sweeping(Strategy):
    """Notes the rows of every sweep in `extra`, and how often it refreshed."""

    def phases(self, model):
        def begin(state, context):
            blank = {name: jnp.zeros((model.rows[name], 4)) for name in FIELDS}
            return state.put(times=jnp.zeros(()), progress=jnp.zeros(()), **blank)

        def each(state, rows):
            y = rows.y if hasattr(rows, "y") else -jnp.ones_like(rows.index)
            y = y.reshape(rows.index.shape[0], -1)[:, 0]
            columns = (total(rows.x), y, rows.domain, rows.index)
            return {"columns": jnp.stack([column.astype(jnp.float32) for column in columns], 1)}

        def refresh(state, swept, context):
            noted = {name: swept[name]["columns"] for name in FIELDS}
            return state.put(times=state.extra["times"] + 1, progress=context.progress, **noted)

        def loss(state, batch, context):
            gap = jnp.abs(total(batch.target.x) - state.extra["target"][batch.target.index, 0]).max()
            seen = {"gap": gap, "times": state.extra["times"], "at": state.extra["progress"]}
            for name in FIELDS:
                seen |= {f"{name}{column}": state.extra[name][:, column].sum() for column in range(4)}
                weights = 1 + jnp.arange(len(state.extra[name]), dtype=jnp.float32)
                seen[f"{name}order"] = (state.extra[name][:, 3] * weights).sum()
            return jnp.sum(state.params["head"]["bias"]), state, seen

        return (
            Phase(
                (Objective(loss, ("head",)),),
                sees=SEES,
                begin=begin,
                refresh=refresh,
                sweeps={name: Sweep(name, each) for name in FIELDS},
            ),
        )


def swept(kind: str, streamed: bool, eval_batch: int = 16):
    data = tiny_task(2, 2, input=kind)
    outcome = run(Sweeping(), data, RECIPE.replace(steps=4, rounds=2, eval_batch=eval_batch), stream=streamed)
    return data, [{name: float(value[0]) for name, value in e.metrics.items()} for e in outcome.evaluations]


@pytest.mark.parametrize("kind", ["image", "tree"])
def test_sweeps_go_over_every_row_in_order_before_every_round(kind):
    data, rounds = swept(kind, False)
    assert [metrics["times"] for metrics in rounds] == [1, 2] and [metrics["at"] for metrics in rounds] == [0, 0.5]
    for metrics in rounds:
        assert metrics["gap"] < 1e-5
        for name in FIELDS:
            rows: Any = getattr(data, name)
            count = len(rows.domain)
            y = rows.y.sum() if name != "target" else -count
            columns = [metrics[f"{name}{column}"] for column in range(4)]
            expected = [np.sum(total(scaled(rows, data))), y, rows.domain.sum(), count * (count - 1) / 2]
            np.testing.assert_allclose(columns, expected, rtol=1e-4, atol=1e-3)
            in_order = np.sum(np.arange(count) * (1 + np.arange(count)))
            np.testing.assert_allclose(metrics[f"{name}order"], in_order, rtol=1e-5)


@pytest.mark.parametrize("eval_batch", [1, 96])
def test_a_sweep_does_not_depend_on_its_batches(eval_batch):
    (_, one), (_, other) = swept("image", False), swept("image", False, eval_batch)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4), one, other)


@pytest.mark.parametrize("kind", ["image", "tree"])
def test_streamed_sweeps_are_resident_ones(kind):
    (_, resident), (_, streamed) = swept(kind, False), swept(kind, True)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-5), resident, streamed)


def noting(model, **phase):
    """A phase whose loss gives, for each place of a batch, the row's index, domain and label."""

    def loss(state, batch, context):
        seen = {}
        for field in ("source", "target"):
            rows = getattr(batch, field)
            for place in range(rows.index.shape[0]):
                seen[f"{field}/index/{place}"] = rows.index[place]
                seen[f"{field}/domain/{place}"] = rows.domain[place]
        return jnp.sum(state.params["head"]["bias"]), state, seen

    return Phase((Objective(loss, ("head",)),), **phase)


def noted(outcome, what: str) -> list[list[int]]:
    """Of each step (a round has one), the numbers at the places of the batch."""
    out = []
    for evaluation in outcome.evaluations:
        seen = {int(n.rpartition("/")[2]): v[0] for n, v in evaluation.metrics.items() if n.startswith(f"{what}/")}
        out.append([int(seen[place]) for place in range(len(seen))])
    return out


STEPS = RECIPE.replace(steps=4, rounds=4, batch=4)


def test_a_strategys_own_draw_is_called_after_refresh():
    """Of the target it takes the rows that `refresh` has noted; the source it leaves to the engine."""

    def phase(model):
        def refresh(state, swept, context):
            return state.put(wanted=state.extra["wanted"] + 4)

        def draw(state, fields, key, sizes):
            assert set(fields) == set(sizes) == {"source", "target"} and sizes["target"] == 8
            assert fields["target"].y is None and fields["source"].y is not None
            return {"target": state.extra["wanted"]}

        begin = lambda state, context: state.put(wanted=jnp.arange(8))  # noqa: E731
        return noting(model, begin=begin, refresh=refresh, draw=draw, batch={"target": 2})

    outcome = run(with_phases(phase), recipe=STEPS)
    assert noted(outcome, "target/index") == [[*range(4 * n, 4 * n + 8)] for n in range(1, 5)]
    source = sum(noted(outcome, "source/index"), [])
    assert len(source) == 16 and len(set(source)) == 16, "by epoch"


@strategy
class OneRow(Strategy):
    """Takes one row of the target again and again."""

    by: int = 0

    def init(self, model, key):
        return model.init(key).put(row=model.rows["target"] - 1 + jnp.zeros((), jnp.int32))

    def phases(self, model):
        def draw(state, fields, key, sizes):
            return {"target": jnp.full(sizes["target"], state.extra["row"])}

        def refresh(state, swept, context):
            """The last row; then, from the third round, one that is out of range."""
            return state.put(row=state.extra["row"] + jnp.int32(context.progress >= 0.5) * self.by)

        return (noting(model, draw=draw, refresh=refresh),)


def test_rows_out_of_range_are_refused():
    assert noted(run(OneRow(), recipe=STEPS), "target/index") == [[44] * 4] * 4
    message = r"strategy OneRow, phase train: `draw` gives a row out of range; the fields have .*'target': 45"
    for by in (1, -45):
        heard = []
        with pytest.raises(ContractError, match=message):
            run(OneRow(by), recipe=STEPS, on_round=lambda _, progress, heard=heard: heard.append(progress.round))
        assert heard == [1, 2]


def test_equal_blocks_of_domains_and_multiples():
    data = tiny_task(3, 2)

    def phase(model):
        return noting(model, draw={"source": "domain", "target": "domain"}, batch={"source": 1.5})

    outcome = run(with_phases(phase), data, STEPS)
    assert noted(outcome, "source/domain") == [[0, 0, 1, 1, 2, 2]] * 4
    assert noted(outcome, "target/domain") == [[3, 3, 4, 4]] * 4
    rows = np.array(noted(outcome, "source/index"))
    np.testing.assert_array_equal(data.source.domain[rows], noted(outcome, "source/domain"))
    assert len(set(rows.reshape(-1).tolist())) == 24


def test_blocks_that_do_not_divide_are_refused():
    made = with_phases(lambda model: noting(model, draw={"source": "domain"}))
    with pytest.raises(ContractError, match="a batch of 4 rows does not divide into equal blocks of 3 domains"):
        run(made, tiny_task(3), STEPS)


@strategy
class Counting(Strategy):
    """Predicts, for each row, its mean grey and how many steps came before."""

    setting = "test-time"
    online: Online = Online()
    batch: int = 8

    def init(self, model, key):
        return model.init(key).put(steps=jnp.zeros(()))

    def phases(self, model):
        def loss(state, batch, context):
            state = state.put(steps=state.extra["steps"] + 1)
            return jnp.sum(state.params["head"]["bias"]), state, {"domain": batch.target.domain.mean()}

        sees, own = frozenset({"target"}), {"batch": self.batch}
        return (Phase((Objective(loss),), name="test", sees=sees, online=self.online, recipe=own),)

    def predict(self, model, state, x):
        grey = x.mean((1, 2, 3))
        return jnp.stack([grey, jnp.full_like(grey, 1.0) * state.extra["steps"], 0 * grey], 1)


def grey(data) -> np.ndarray:
    return (data.test.x / 255.0 - 0.5).mean((1, 2, 3)) / 0.5


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("predict", "first"), [("after", 1), ("before", 0)])
def test_online_meets_each_test_row_once_in_the_order_of_the_protocol(predict, first, stream):
    """27 rows in batches of 8: three whole ones and a rest of 3."""
    (evaluation,) = run(Counting(Online(predict)), stream=stream).evaluations
    logits = evaluation.target_logits[0]
    np.testing.assert_allclose(logits[:, 0], grey(TASK), atol=1e-5)
    order = np.asarray(TASK.order)
    assert order.tolist() != list(range(27)) and sorted(order.tolist()) == list(range(27))
    expected = np.repeat([0, 1, 2, 3], [8, 8, 8, 3]) + first
    assert logits[order, 1].tolist() == expected.tolist()


@pytest.mark.parametrize("stream", [False, True])
def test_the_batch_of_an_online_phase_may_be_one_row(stream):
    (evaluation,) = run(Counting(batch=1), stream=stream).evaluations
    assert evaluation.target_logits[0, np.asarray(TASK.order), 1].tolist() == list(range(1, 28))


def test_the_batch_of_an_online_phase_may_be_a_multiple_or_the_whole():
    def phase(model):
        (one,) = Counting().phases(model)
        return one._replace(batch={"target": 2}, recipe={})

    kind = type("Twice", (Counting,), {"phases": lambda self, model: (phase(model),)})
    for made, expected in ((strategy(kind)(), [1] * 16 + [2] * 11), (Counting(batch=100), [1] * 27)):
        (evaluation,) = run(made).evaluations
        assert evaluation.target_logits[0, np.asarray(TASK.order), 1].tolist() == expected


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("reset", [False, True])
def test_several_targets_come_one_after_the_other_and_may_reset(reset, stream):
    """The trap: a batch that holds rows of two targets."""
    data = tiny_task(1, 2)
    (evaluation,) = run(Counting(Online(reset=reset), batch=12), data, seeds=(0, 1), stream=stream).evaluations
    order, domain = np.asarray(data.order), data.test.domain
    assert domain[order].tolist() == [1] * 27 + [2] * 27
    once = np.repeat([1, 2, 3], [12, 12, 3])
    expected = np.concatenate([once, once if reset else once + 3])
    for logits in evaluation.target_logits:
        assert logits[order, 1].tolist() == expected.tolist()
        np.testing.assert_allclose(logits[:, 0], grey(data), atol=1e-5)
    np.testing.assert_allclose(evaluation.metrics["domain"], 1.5)


def test_an_online_phase_that_resets_begins_with_the_state_before_it():
    """After a phase of training: parameters, statistics and extras alike; the second target is as if it came alone."""

    def first(model):
        return Phase((Objective(task_loss(model)),), name="source")

    def online(reset, model):
        def loss(state, batch, context):
            features, state = model.features(state, batch.target.x)
            logits, state = model.classify(state, features)
            return jnp.square(logits).mean(), state, {}

        seen = frozenset({"target"})
        return Phase((Objective(loss),), name="test", sees=seen, online=Online("before", reset), rate=10.0)

    both = tiny_task(1, 2)
    keep = both.test.domain == 2
    test = jax.tree.map(lambda leaf: leaf[keep], both.test)
    order = np.asarray(both.order)[27:] - 27
    alone = both._replace(test=test, order=order)
    made = with_phases(first, functools.partial(online, True))
    recipe = RECIPE.replace(schedule="constant")  # the phase's progress goes on where the state does not
    together, second = (run(made, data, recipe).evaluations[-1].target_logits[0] for data in (both, alone))
    np.testing.assert_allclose(together[keep], second, atol=1e-5)
    carried = run(with_phases(first, functools.partial(online, False)), both, recipe).evaluations[-1].target_logits[0]
    assert np.abs(carried[keep] - second).max() > 1e-3


def test_a_source_free_test_time_run_sees_no_label(monkeypatch):
    """The trap: a stream of batches that hold labels."""
    seen = []

    def phase(model):
        def loss(state, batch, context):
            seen.append((type(batch.target), bool(batch.source), bool(batch.labelled)))
            return jnp.sum(state.params["head"]["bias"]), state, {}

        return Phase((Objective(loss),), sees=frozenset({"target"}), online=Online())

    run(with_phases(phase))
    assert {(kind.__name__, *shown) for kind, *shown in seen} == {("Unlabelled", False, False)}


def accuracy(outcome, data) -> float:
    return float((outcome.evaluations[-1].target_logits[0].argmax(-1) == data.test.y).mean())


@pytest.mark.parametrize("kind", ["vector", "sequence", "tree"])
def test_it_learns_from_other_inputs(kind):
    data = tiny_task(input=kind)
    made, recipe = with_phases(lambda model: Phase((Objective(task_loss(model)),))), RECIPE.replace(steps=60, rounds=2)
    outcome = run(made, data, recipe)
    assert accuracy(outcome, data) > 0.8  # chance is 0.33
    if kind == "tree":
        streamed = run(made, data, recipe, stream=True).evaluations[-1].target_logits
        np.testing.assert_allclose(streamed, outcome.evaluations[-1].target_logits, atol=1e-5)


def test_it_learns_real_numbers():
    data = tiny_task(real=True)

    def phase(model):
        assert model.class_names == () and model.known == model.outputs == 1
        return Phase((Objective(task_loss(model)),))

    made = with_phases(phase, targets=("classes", "real"))
    outcome = run(made, data, RECIPE.replace(steps=100, rounds=2))
    last = outcome.evaluations[-1]
    assert last.source_logits.shape == (1, 21, 1)
    residual = ((last.source_logits[0] - data.source_val.y) ** 2).sum()
    assert 1 - residual / ((data.source_val.y - data.source_val.y.mean()) ** 2).sum() > 0.8


def test_an_open_space_has_an_output_for_the_unknown():
    facts = []

    def phase(model):
        facts.append((model.known, model.outputs, model.class_names))
        return Phase((Objective(task_loss(model)),))

    data = tiny_task(space="open")
    outcome = run(with_phases(phase, spaces=("open",)), data, RECIPE.replace(steps=2, rounds=1))
    assert set(facts) == {(2, 3, ("left", "middle"))} and set(data.test.y.tolist()) == {0, 1, 2}
    assert outcome.evaluations[-1].target_logits.shape == (1, 27, 3)


@pytest.mark.parametrize(
    ("facts", "data", "message"),
    [
        ({"inputs": ("image",)}, {"input": "vector"}, r"Made is for inputs image; task .* has 'vector'"),
        ({}, {"real": True}, r"Made is for targets classes; task .* has 'real'"),
        ({"spaces": ("closed", "partial")}, {"space": "open"}, r"for spaces closed, partial; task .* has 'open'"),
    ],
)
def test_a_task_that_a_strategy_is_not_for_is_refused(facts, data, message):
    made = with_phases(lambda model: Phase((Objective(still),)), **facts)
    with pytest.raises(ContractError, match=message):
        run(made, tiny_task(**data))


def test_a_phase_without_a_share_is_begin_and_one_refresh():
    def fit(model):
        def begin(state, context):
            return state.put(mean=jnp.zeros(()), times=jnp.zeros(()))

        def refresh(state, swept, context):
            return state.put(mean=swept["grey"].mean(), times=state.extra["times"] + 1)

        sweeps = {"grey": Sweep("target", lambda state, rows: rows.x.mean((1, 2, 3)))}
        return Phase(name="fit", share=0, begin=begin, sweeps=sweeps, refresh=refresh)

    def after(model):
        def loss(state, batch, context):
            value, state, _ = still(state, batch, context)
            return value, state, {"mean": state.extra["mean"], "times": state.extra["times"]}

        return Phase((Objective(loss),), name="after")

    outcome = run(with_phases(fit, after), recipe=RECIPE.replace(steps=2, rounds=1))
    assert [(e.phase, e.step) for e in outcome.evaluations] == [("fit", 0), ("after", 2)]
    assert outcome.evaluations[0].metrics == {} and outcome.steps == 2
    metrics = outcome.evaluations[1].metrics
    np.testing.assert_allclose(metrics["mean"], ((TASK.target.x / 255 - 0.5) / 0.5).mean(), atol=1e-5)
    assert metrics["times"] == 1


def test_rows_of_a_short_evaluation_set_come_again_in_a_slice():
    """The trap: padding that batch statistics would see. 27 rows in slices of 16 and of 40."""

    @strategy
    class ByBatch(Strategy):
        """Predicts a row's grey less its batch's."""

        def phases(self, model):
            return (Phase((Objective(still),)),)

        def predict(self, model, state, x):
            least, most = x.min((0, 1, 2, 3)), x.max((0, 1, 2, 3))
            return jnp.stack([x.mean((1, 2, 3)), *(jnp.broadcast_to(v, x.shape[:1]) for v in (least, most))], 1)

    seen = (TASK.test.x / 255 - 0.5) / 0.5
    for size in (16, 40):
        recipe = RECIPE.replace(steps=1, rounds=1, eval_batch=size)
        logits = run(ByBatch(), recipe=recipe).evaluations[-1].target_logits[0]
        np.testing.assert_allclose(logits[:, 0], grey(TASK), atol=1e-5)
        order = np.asarray(TASK.order)
        slices = [order] if size == 40 else [order[:11], order[-16:]]
        for rows in slices:
            whole = order if size == 40 else (order[:16] if rows[0] == order[0] else rows)
            np.testing.assert_allclose(logits[rows, 1], seen[whole].min(), atol=1e-6)
            np.testing.assert_allclose(logits[rows, 2], seen[whole].max(), atol=1e-6)
