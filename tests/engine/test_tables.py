"""A task's arrays on the device: what is there, how it is scaled, and what a phase may ask of it."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tlx import ContractError, Objective, Phase
from tlx.contract import Online, Sweep
from tlx.data.resize import fit
from tlx.engine.tables import MULTIPLE, DeviceData, batch_of, check_phase, device_data, normalise, sees_of, take
from tlx.testing.tiny import tiny_task

MEAN, STD = (0.1, 0.2, 0.3), (0.5, 0.6, 0.7)
TASK = tiny_task()
PLAIN = Phase((Objective(lambda *_: (jnp.float32(0), _[0], {})),))


@pytest.fixture(scope="module")
def data():
    return device_data(TASK, [PLAIN])


@pytest.mark.parametrize(("mean", "std"), [(0.5, 0.5), (MEAN, STD), (0.5, STD)])
def test_images_are_normalised(mean, std):
    coloured = TASK.source._replace(x=fit(TASK.source.x, 8, 3))  # a view that repeats the grey channel
    given = TASK._replace(source=coloured, mean=np.float32(mean), std=np.float32(std))
    data = device_data(given, [Phase(PLAIN.objectives, sees=frozenset({"source"}))])
    table = data.tables["source"]
    assert int(table.n) == len(TASK.source.y) and table.x.shape[1:] == (8, 8, 3)
    x = np.asarray(normalise(data, table.x[:48]))
    expected = (np.repeat(TASK.source.x, 3, axis=3) / 255 - np.broadcast_to(mean, 3)) / np.broadcast_to(std, 3)
    np.testing.assert_allclose(x, expected, rtol=0, atol=1e-6)


def test_other_floats_are_standardised_and_tokens_are_not():
    mean = {"a": jnp.array([1.0, 2.0]), "text": jnp.float32(0), "t": jnp.float32([3.0])}
    std = {"a": jnp.array([2.0, 4.0]), "text": jnp.float32(1), "t": jnp.float32([0.5])}
    x = {"a": jnp.ones((5, 2)), "text": jnp.arange(10).reshape(5, 2), "t": jnp.ones((5, 7, 1))}
    got = normalise(DeviceData({}, mean, std), x)
    np.testing.assert_allclose(got["a"], np.broadcast_to([0.0, -0.25], (5, 2)))
    np.testing.assert_allclose(got["t"], np.full((5, 7, 1), -4.0))
    assert got["text"].dtype == jnp.int32
    np.testing.assert_array_equal(got["text"], x["text"])


def test_features_that_the_task_does_not_scale_stay_as_they_are():
    plain = DeviceData({}, jnp.float32(0), jnp.float32(1))
    np.testing.assert_array_equal(normalise(plain, jnp.full((2, 3), 7.0)), np.full((2, 3), 7.0))
    white = jnp.full((2, 1, 1, 3), 255, jnp.uint8)
    halves = DeviceData({}, jnp.float32(0.5), jnp.float32(0.5))
    np.testing.assert_array_equal(normalise(halves, white), np.ones((2, 1, 1, 3)))


def test_tables_are_uint8_padded_and_without_target_labels(data):
    assert set(data.tables) == {"source", "target", "source_val", "test"}
    assert data.tables["source"].x.dtype == jnp.uint8 and data.tables["source"].x.shape[0] == MULTIPLE
    assert {name: int(table.n) for name, table in data.tables.items()} == {
        "source": 48,
        "target": 45,
        "source_val": 21,
        "test": 27,
    }
    assert not data.tables["target"].y.any() and not data.tables["test"].y.any()
    assert data.tables["source"].y[:48].tolist() == TASK.source.y.tolist()


def test_what_is_streamed_leaves_no_x_on_the_device():
    data = device_data(TASK, [PLAIN], resident=False)
    assert all(table.x.size == 0 and table.x.dtype == jnp.uint8 for table in data.tables.values())
    assert data.tables["source"].y.shape == (MULTIPLE,)


def test_a_batch_holds_the_rows_that_are_asked_for(data):
    rows = jnp.array([3, 40])
    shown = {name: take(data, name, rows) for name in ("source", "target")}
    batch = batch_of(shown, "here")
    np.testing.assert_array_equal(batch.source.y, TASK.source.y[[3, 40]])
    np.testing.assert_array_equal(batch.target.index, [3, 40])
    np.testing.assert_array_equal(batch.target.domain, [1, 1])
    np.testing.assert_allclose(batch.target.x, (TASK.target.x[[3, 40]] / 255 - 0.5) / 0.5, atol=1e-6)
    assert not batch.labelled
    streamed = take(data, "target", rows, jnp.asarray(TASK.target.x[[5, 6]]))
    np.testing.assert_allclose(streamed.x, (TASK.target.x[[5, 6]] / 255 - 0.5) / 0.5, atol=1e-6)


def test_groups_of_a_table_are_there_where_a_phase_draws_by_them():
    data = device_data(tiny_task(domains=2), [PLAIN._replace(draw={"source": "class", "target": "domain"})])
    assert set(data.tables["source"].groups) == {"class"} and set(data.tables["target"].groups) == {"domain"}
    groups = data.tables["source"].groups["class"]
    assert groups.counts.tolist() == [32, 32, 32] and groups.starts.tolist() == [0, 32, 64]
    y = tiny_task(domains=2).source.y
    for number in range(3):
        assert (y[np.asarray(groups.rows[32 * number : 32 * number + 32])] == number).all()


def test_a_strategy_needs_what_its_phases_see():
    phases = [Phase(sees=frozenset({"target"})), Phase(sees=frozenset({"source", "labelled"}))]
    assert sees_of(phases) == {"source", "target", "labelled"}


def phase(sees=("source", "target"), **fields) -> Phase:
    return Phase(PLAIN.objectives, sees=frozenset(sees), **fields)


EACH = Sweep("target", lambda state, rows: rows.index)


@pytest.mark.parametrize(
    ("phase", "message"),
    [
        (phase(["sorce"]), "here sees 'sorce'; expected source, target, labelled; source?"),
        (phase(sweeps={"bank": EACH._replace(over="targte")}), r"sweep 'bank' goes over 'targte'; expected .*target\?"),
        (
            phase(["target"], sweeps={"bank": EACH._replace(over="source_val")}),
            "sweep 'bank' goes over 'source_val', of what it sees: target",
        ),
        (
            phase(sweeps={"bank": EACH._replace(over="labelled")}),
            "sweep 'bank' goes over 'labelled', of what it sees: source, target",
        ),
        (phase(batch={"tagret": 7}), r"here: `batch` names 'tagret'; expected source, target; target\?"),
        (phase(batch={"labelled": 7}), "`batch` names 'labelled'; expected source, target"),
        (phase(draw={"sources": "class"}), r"`draw` names 'sources'; expected source, target; source\?"),
        (
            phase(draw={"source": "clas"}),
            r"here draws 'source' by 'clas'; expected epoch, domain, class, asked; class\?",
        ),
        (
            phase(draw={"target": "class"}),
            "draws 'target' by class, and it has no classes; expected source or labelled",
        ),
    ],
)
def test_what_a_phase_asks_for_in_vain_is_named(phase, message):
    with pytest.raises(ContractError, match=message):
        check_phase(phase, TASK, "here")


def test_real_targets_have_no_classes_to_draw_by():
    with pytest.raises(ContractError, match="draws 'source' by class, and it has no classes"):
        check_phase(phase(draw={"source": "class"}), tiny_task(real=True), "here")


def test_what_fits_is_let_be():
    for good in (
        PLAIN,
        phase(sweeps={"a": EACH, "b": EACH._replace(over="source_val")}, batch={"target": 7}),
        phase(["target"], online=Online()),
        phase(["labelled"], draw={"labelled": "class"}),
    ):
        check_phase(good, TASK, "here")
    bare = TASK._replace(labelled=jax.tree.map(lambda leaf: leaf[:0], TASK.labelled))
    with pytest.raises(ContractError, match=r"sees 'labelled', which task 'bars0->dim_bars' does not offer"):
        check_phase(phase(["labelled"]), bare, "here")
    unknown = bare._replace(test=bare.test._replace(y=np.full_like(bare.test.y, -1)))
    with pytest.raises(ContractError, match="here sees 'labelled', which .* not offer, since its target has no labels"):
        check_phase(phase(["labelled"]), unknown, "here")


def test_rows_of_a_tree_are_trees():
    task = tiny_task(input="tree")
    data = device_data(task, [PLAIN])
    got = take(data, "source", jnp.array([1, 2])).x
    expected = jax.tree.map(lambda x, mean, std: (x[1:3] - mean) / std, task.source.x, task.mean, task.std)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5), got, expected)
    assert dataclasses.is_dataclass(task.input) and set(got) == {"first", "others"}
