"""A run that was stopped goes on from its last round with the same bits; what is saved of another run is not used."""

import errno
import logging
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from tlx import Objective, Phase, Strategy, strategy
from tlx.contract import Online, Sweep
from tlx.engine.saved import CARRY, Position, SavedCarry, restore
from tlx.engine.train import Options, Point, train, train_grid
from tlx.errors import ResultError
from tlx.testing.tiny import TinyBN, tiny_recipe, tiny_task

pytestmark = pytest.mark.slow

TASK = tiny_task()
RECIPE = tiny_recipe().replace(steps=6, rounds=3)
SEEDS = (0, 1)
IDENTITY = {"code": "1", "spec": "x"}


class Dropping(TinyBN):
    """TinyBN with dropout."""

    def __init__(self, shape, rngs):
        super().__init__(shape, rngs)
        self.drop = nnx.Dropout(0.3, rngs=rngs)

    def __call__(self, x):
        return self.drop(super().__call__(x))


@strategy
class Phases(Strategy):
    """Trains with a teacher and a bank; then adapts to the target; then, online, to the test rows."""

    weight: float = 1.0

    def init(self, model, key):
        return model.copy(model.init(key), "features", "teacher")

    def phases(self, model):
        def supervised(state, batch, context):
            view, noise = jax.random.split(context.key)
            features, state = model.features(state, model.augment(view, batch.source.x))
            logits, state = model.classify(state, features)
            state = state.put(noise=jax.random.normal(noise))
            return self.weight * model.task_loss(logits, batch.source.y), state, {}

        def quiet(state, batch, context):
            features, state = model.features(state, batch.target.x)
            logits, state = model.classify(state, features)
            return jnp.square(logits).mean() + state.extra["bank"].mean(), state, {"bank": state.extra["bank"].mean()}

        def begin(state, context):
            half = jnp.ones(3, jnp.bfloat16) / 3
            return state.put(bank=jnp.zeros(model.rows["target"]), noise=jnp.float32(0), half=half, key=context.key)

        def refresh(state, swept, context):
            return state.put(bank=swept["bank"])

        def each(state, rows):
            return model.features(state, rows.x, net="teacher", train=False)[0].mean(1)

        def after(state, batch, context):
            mean = lambda a, b: 0.5 * a + 0.5 * b  # noqa: E731
            return state.put_params(teacher=jax.tree.map(mean, state.params["teacher"], state.params["features"]))

        target = frozenset({"target"})
        return (
            Phase(
                (Objective(supervised),),
                name="source",
                share=2.0,
                begin=begin,
                after=after,
                sweeps={"bank": Sweep("target", each)},
                refresh=refresh,
            ),
            Phase((Objective(quiet, ("features",)),), name="adapt", sees=target, recipe={"optimizer": "adam"}),
            Phase((Objective(quiet, ("head",)),), name="test", sees=target, online=Online("before")),
        )


class Stop(Exception):
    """Stands for a kill."""


def run(saved: SavedCarry | None = None, stop: int = -1, stream: bool = False, heard: list | None = None):
    """The run; it stops in round `stop`, and notes its rounds in `heard`."""

    def on_round(place, progress):
        if heard is not None:
            heard.append(progress.round)
        if progress.round == stop:
            raise Stop

    options = {"probe": {"test": TASK.test.x[:4]}, "keep_weights": True, "on_round": on_round}
    return train(Phases(), Dropping, TASK, RECIPE, SEEDS, saved=saved, stream=stream, **options)


def numbers(outcome):
    each = [tuple(evaluation) for evaluation in outcome.evaluations]
    weights = [outcome.weights(place, number) for place in range(2) for number in range(len(each))]
    return each, weights, outcome.diverged, outcome.steps


def assert_same(one, other):
    jax.tree.map(np.testing.assert_array_equal, numbers(one), numbers(other))


@pytest.fixture(scope="module", params=[False, True], ids=["resident", "streamed"])
def stream(request):
    """Whether x is streamed."""
    return request.param


@pytest.fixture(scope="module")
def whole(stream):
    """The run that nothing stops."""
    return run(stream=stream)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """What a run that was stopped in its third round has saved: two rounds."""
    saved = SavedCarry(tmp_path_factory.mktemp("runs") / "carry", IDENTITY)
    with pytest.raises(Stop):
        run(saved, 3)
    return saved.folder / "0"


def test_it_takes_four_rounds_in_three_phases(whole):
    assert [e.phase for e in whole.evaluations] == ["source", "source", "adapt", "test"]
    assert whole.steps == 6 and not any(whole.diverged)
    first, last = (whole.evaluations[number].target_logits for number in (0, -1))
    assert not np.array_equal(first, last)


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_a_run_that_is_stopped_in_any_round_ends_with_the_same_bits(tmp_path, stream, whole, number):
    """It is stopped before the round is saved, as by a kill: that round is taken again."""
    saved = SavedCarry(tmp_path / "carry", IDENTITY)
    with pytest.raises(Stop):
        run(saved, number, stream)
    assert (saved.folder / "0" / CARRY).exists() == (number > 1)
    heard = []
    assert_same(run(saved, stream=stream, heard=heard), whole)
    assert heard == list(range(number, 5))
    heard.clear()
    assert_same(run(saved, stream=stream, heard=heard), whole)
    assert heard == [], "a run that has ended is read, not taken again"


def test_a_run_that_is_stopped_twice_ends_with_the_same_bits(tmp_path, stream, whole):
    saved = SavedCarry(tmp_path / "carry", IDENTITY)
    for number in (2, 4):
        with pytest.raises(Stop):
            run(saved, number, stream)
    assert_same(run(saved, stream=stream), whole)
    saved.clear()
    assert not saved.folder.exists()


@pytest.mark.parametrize("writes", [2, 3])  # of which the last one finds no room: an evaluation and a carry a round
def test_on_a_full_disk_it_ends_and_goes_on_from_what_was_saved_before(tmp_path, stream, whole, monkeypatch, writes):
    saved, fsync, calls, heard = SavedCarry(tmp_path / "carry", IDENTITY), os.fsync, [], []

    def full(number):
        calls.append(number)
        if len(calls) >= writes:
            raise OSError(errno.ENOSPC, "No space left on device")
        fsync(number)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(ResultError, match="cannot be saved in .*carry/0: No space left on device. What was saved"):
            run(saved, stream=stream)
    names = sorted(path.name for path in (saved.folder / "0").iterdir())
    assert names == ["evaluation-00000.npz"] if writes == 2 else [CARRY, "evaluation-00000.npz"]
    assert_same(run(saved, stream=stream, heard=heard), whole)
    assert heard == ([1, 2, 3, 4] if writes == 2 else [2, 3, 4])


def resumes_anew(folder: Path, tmp_path: Path, caplog, spoil, identity=IDENTITY) -> str:
    """What the log says of a carry that is not used; the rounds are all taken."""
    saved = SavedCarry(tmp_path / "carry", identity)
    shutil.copytree(folder, saved.folder / "0")
    spoil(saved.folder / "0")
    with caplog.at_level(logging.WARNING, "tlx"):
        assert saved.part(0).load() is None
    return caplog.text


@pytest.mark.parametrize(
    ("identity", "message"),
    [
        ({"code": "2", "spec": "x"}, "the saved carry is of another code, so the run starts anew"),
        ({"code": "2", "spec": "y"}, "of another code, spec, so"),
        ({"code": "1", "spec": "x", "data": "z"}, "of another data, so"),
    ],
)
def test_a_carry_of_another_identity_is_not_used(folder, tmp_path, caplog, identity, message):
    assert message in resumes_anew(folder, tmp_path, caplog, lambda folder: None, identity)


def cut(name: str, size: int):
    def spoil(folder: Path) -> None:
        (folder / name).write_bytes((folder / name).read_bytes()[:size])

    return spoil


def flip(name: str):
    def spoil(folder: Path) -> None:
        content = bytearray((folder / name).read_bytes())
        for place in range(len(content) // 3, len(content) // 3 + 64):
            content[place] ^= 255
        (folder / name).write_bytes(bytes(content))

    return spoil


@pytest.mark.parametrize(
    "spoil",
    [
        cut(CARRY, 0),
        cut(CARRY, 1000),
        flip(CARRY),
        cut("evaluation-00001.npz", 100),
        flip("evaluation-00000.npz"),
        lambda folder: (folder / "evaluation-00000.npz").unlink(),
        lambda folder: (folder / CARRY).write_text("no archive"),
        lambda folder: np.savez(folder / CARRY, leaf=np.ones(3)),
        lambda folder: [(folder / CARRY).unlink(), os.mkfifo(folder / CARRY)],
    ],
)
def test_what_is_damaged_is_not_used(folder, tmp_path, caplog, spoil):
    text = resumes_anew(folder, tmp_path, caplog, spoil)
    assert "the saved carry is damaged, so the run starts anew" in text and CARRY in text


def test_a_run_whose_carry_is_not_used_starts_anew_and_is_saved(folder, tmp_path, caplog):
    saved = SavedCarry(tmp_path / "carry", {"code": "2"})
    shutil.copytree(folder, saved.folder / "0")
    heard = []
    first = run(saved, heard=heard)
    assert heard == [1, 2, 3, 4] and "of another code" in caplog.text
    assert_same(run(saved, heard=heard), first)
    assert heard == [1, 2, 3, 4]


def test_a_carry_of_other_shapes_is_not_used(folder, tmp_path, caplog):
    """The trap: an identity that misses what shapes the carry, as the number of runs."""
    saved = SavedCarry(tmp_path / "carry", IDENTITY)
    shutil.copytree(folder, saved.folder / "0")
    outcome = train(Phases(), Dropping, TASK, RECIPE, (0, 1, 2), saved=saved)
    assert [evaluation.target_logits.shape[0] for evaluation in outcome.evaluations] == [3] * 4
    assert "the saved carry does not fit this run, so the run starts anew" in caplog.text


def test_a_half_written_file_is_no_carry(folder, tmp_path):
    saved = SavedCarry(tmp_path / "carry", IDENTITY)
    shutil.copytree(folder, saved.folder)
    (saved.folder / f".{CARRY}.part").write_bytes(b"half")
    (saved.folder / "evaluation-00002.npz").write_bytes(b"of a round that the carry does not count")
    loaded = saved.load()
    assert loaded is not None and loaded.position == Position(0, 2, 4) and len(loaded.evaluations) == 2
    assert SavedCarry(tmp_path / "none", IDENTITY).load() is None


def test_leaves_of_every_type_come_back(tmp_path):
    like = {
        "key": jax.random.key(3),
        "half": jnp.float32([0.1, 7]).astype(jnp.bfloat16),
        "count": jnp.uint32(5),
        "flag": jnp.array([True, False]),
        "empty": jnp.zeros((0, 3)),
    }
    saved = SavedCarry(tmp_path, {}).part(2)
    assert saved.folder == tmp_path / "2"
    saved.save(Position(0, 1, 1), like, np.ones(1, bool), 0, {})
    loaded = saved.load()
    assert loaded is not None
    leaves = loaded.leaves
    back = restore(leaves, like)
    assert back is not None
    assert np.array_equal(jax.random.key_data(back.pop("key")), jax.random.key_data(like["key"]))
    for name, leaf in back.items():
        assert leaf.dtype == like[name].dtype
        np.testing.assert_array_equal(leaf, like[name])
    assert restore(leaves[:-1], like) is None
    assert restore(leaves, {**like, "count": jnp.int32(5)}) is None
    assert restore(leaves, {**like, "flag": jnp.array([True])}) is None


def test_groups_of_a_grid_have_carries_of_their_own(tmp_path):
    saved = SavedCarry(tmp_path / "carry", IDENTITY)
    grid = [
        Point(Phases(), RECIPE),
        Point(Phases(), RECIPE.replace(steps=12, rounds=6)),
        Point(Phases(weight=0.5), RECIPE),
    ]
    whole = train_grid(grid, Dropping, TASK, SEEDS)

    def on_round(place, progress):
        if place == 1 and progress.round == 2:
            raise Stop

    with pytest.raises(Stop):
        train_grid(grid, Dropping, TASK, SEEDS, Options(saved=saved, on_round=on_round))
    assert sorted(path.name for path in saved.folder.iterdir()) == ["0", "1"]
    for one, other in zip(train_grid(grid, Dropping, TASK, SEEDS, Options(saved=saved)), whole, strict=True):
        for a, b in zip(one.evaluations, other.evaluations, strict=True):
            np.testing.assert_array_equal(a.target_logits, b.target_logits)


SCRIPT = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from test_saved import CARRY, IDENTITY, SavedCarry, run

replace = os.replace
def killed(part, path):
    if Path(path).name == CARRY and Path(path).exists():  # in the midst of saving the second round
        os.kill(os.getpid(), signal.SIGKILL)
    replace(part, path)
os.replace = killed
run(SavedCarry(Path(sys.argv[2]), IDENTITY))
"""


def test_a_process_that_is_killed_resumes(tmp_path):
    command = [sys.executable, "-c", SCRIPT, str(Path(__file__).parent), str(tmp_path / "carry")]
    killed = subprocess.run(command, capture_output=True, text=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    names = sorted(path.name for path in (tmp_path / "carry" / "0").iterdir())
    assert names == [f".{CARRY}.part", CARRY, "evaluation-00000.npz", "evaluation-00001.npz"]
    resumed = run(SavedCarry(tmp_path / "carry", IDENTITY))
    for one, other in zip(run().evaluations, resumed.evaluations, strict=True):
        np.testing.assert_array_equal(one.target_logits, other.target_logits)
