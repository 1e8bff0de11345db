"""A phase that asks for labels is shown those of the rows that it marks, and no other; the run counts them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tlx import ContractError, Objective, Phase, Strategy, Sweep, strategy
from tlx.engine.sampler import asked
from tlx.engine.train import train
from tlx.testing.tiny import TinyBN, tiny_recipe, tiny_task


def phase(model, first: int, keeps: bool = True, **more) -> Phase:
    """It asks for `first` labels, then for as many more each round; its loss says the highest index it met."""
    rows = model.rows["labelled"]

    def loss(state, batch, context):
        features, state = model.features(state, batch.labelled.x)
        outputs, state = model.classify(state, features)
        met = jnp.max(batch.labelled.index).astype(jnp.float32)
        return model.task_loss(outputs, batch.labelled.y), state, {"met": met}

    def refresh(state, swept, context):
        count = jnp.sum(state.extra["asked"]) + first
        lost = 0 if keeps else jnp.sum(state.extra["asked"])
        return state.put(asked=(jnp.arange(rows) < count) & (jnp.arange(rows) >= lost))

    def begin(state, context):
        return state.put(asked=jnp.zeros(rows, bool))

    facts = {"sees": frozenset({"labelled"}), "draw": {"labelled": "asked"}, "begin": begin, "refresh": refresh}
    return Phase((Objective(loss),), **{**facts, **more})


def made(*phases) -> Strategy:
    kind = type("Asking", (Strategy,), {"phases": lambda self, model: tuple(one(model) for one in phases)})
    return strategy(kind)()


def run(*phases, **more):
    return train(made(*phases), TinyBN, tiny_task(), tiny_recipe().replace(steps=6, rounds=3), (0, 1), **more)


def test_no_row_is_drawn_that_is_not_marked():
    mark = np.arange(50) % 7 == 3
    rows = np.asarray(asked(jax.random.key(0), jnp.arange(40), jnp.asarray(mark), 16))
    assert rows.shape == (40, 16) and set(rows.ravel().tolist()) == set(np.flatnonzero(mark).tolist())


def test_the_run_counts_the_labels_that_each_seed_was_shown():
    """The trap: a count of rounds times rows, where the strategy marks others."""
    outcome = run(lambda model: phase(model, 2))
    assert outcome.asked == (6, 6)
    met = [evaluation.metrics["met"].max() for evaluation in outcome.evaluations]
    assert met[0] <= 1 and met[1] <= 3 and met[2] <= 5


def test_other_runs_count_none():
    assert run(lambda model: phase(model, 2, draw={}, name="all")).asked == ()


def test_a_label_that_was_shown_counts_for_good():
    """The trap: other rows each round, of which the last ones alone are counted."""
    with pytest.raises(ContractError, match="a row that was asked for is marked no more; expected marks that stay"):
        run(lambda model: phase(model, 2, keeps=False))


def test_a_mark_is_needed():
    with pytest.raises(ContractError, match="its state has no extra 'asked'"):
        run(lambda model: phase(model, 2, begin=lambda state, context: state, refresh=lambda state, *_: state))


def test_a_phase_that_asked_for_nothing_is_an_error():
    with pytest.raises(ContractError, match="phase train: `draw` gives a row out of range"):
        run(lambda model: phase(model, 0))


@pytest.mark.parametrize(
    "more",
    [
        {"sweeps": {"y": Sweep("labelled", lambda state, rows: rows.y)}},
        {"sees": frozenset({"source", "labelled"}), "draw": {"source": "asked"}},
    ],
    ids=["sweep", "source"],
)
def test_there_is_no_other_way_to_the_labels(more):
    with pytest.raises(ContractError, match="asks for labels; expected draw 'asked' of 'labelled' alone"):
        run(lambda model: phase(model, 2, **more))


def test_no_other_phase_sees_all_of_them():
    with pytest.raises(ContractError, match="phase all sees all labels, and another phase asks for some"):
        run(lambda model: phase(model, 2, draw={}, name="all"), lambda model: phase(model, 2))
