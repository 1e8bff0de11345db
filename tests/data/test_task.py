"""Datasets, protocols and tasks check themselves; every error names what was got and what was expected."""

import re
import subprocess
import sys

import numpy as np
import pytest

from tlx.data import Arrays, Dataset, Image, Protocol, Sequence, Task, Tokens, Vector
from tlx.errors import DataError


def arrays(first=0, rows=6, shape=(4, 4, 1), **changes) -> Arrays:
    x = np.full((rows, *shape), 7, np.uint8)
    y = np.arange(rows, dtype=np.int32) % 3
    return Arrays(x, y, np.array([f"toy/{row}" for row in range(first, first + rows)]))._replace(**changes)


def dataset(name="toy", train=None, test=None, classes=("a", "b", "c")) -> Dataset:
    return Dataset(name, train or arrays(), test or arrays(first=100), classes)


P = Protocol("P", "a protocol", 4, None)


def test_a_sound_dataset_passes():
    assert dataset().classes == ("a", "b", "c")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "a->b"}, "Dataset name 'a->b'; expected letters, digits and _"),
        ({"classes": ("a",)}, "classes ('a',); expected two or more different names"),
        ({"classes": ("a", "b", "a")}, "classes ('a', 'b', 'a'); expected two or more different names"),
        ({"classes": ("a", "b")}, "'toy', train: labels are 0 to 2; expected 0 to 1 (2 classes)"),
        ({"train": arrays(y=np.arange(6, dtype=np.int32) % 3 - 1)}, "train: labels are -1 to 1; expected 0 to 2"),
        ({"train": arrays(x=np.zeros((6, 4, 4, 1), np.float32))}, "train: x is float32 (6, 4, 4, 1); expected uint8"),
        ({"test": arrays(100, x=np.zeros((6, 4, 4), np.uint8))}, "test: x is uint8 (6, 4, 4); expected uint8 [rows,"),
        ({"test": arrays(100, rows=0)}, "test: x is (0, 4, 4, 1); expected at least one row"),
        ({"train": arrays(shape=(4, 4, 2))}, "train: x has 2 channels; expected 1 (grey) or 3 (RGB)"),
        ({"train": arrays(y=np.zeros(6, np.int64))}, "train: y is int64 (6,); expected int32 (6,)"),
        ({"train": arrays(y=np.zeros(5, np.int32))}, "train: y is int32 (5,); expected int32 (6,)"),
        ({"train": arrays(origin=np.arange(6))}, "train: origin is int64 (6,); expected text (6,)"),
        ({"train": arrays(origin=np.array(["o"]))}, "train: origin is <U1 (1,); expected text (6,)"),
        ({"test": arrays(100, shape=(5, 4, 1))}, "train images are (4, 4, 1), test images (5, 4, 1); expected one"),
        ({"test": arrays(first=5)}, "1 origins are in train and in test, as 'toy/5'"),
    ],
)
def test_a_dataset_refuses(changes, message):
    with pytest.raises(DataError, match=re.escape(message)):
        dataset(**changes)


def floats(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


TOKENS = np.arange(12, dtype=np.int32).reshape(6, 2) % 5


@pytest.mark.parametrize(
    ("kind", "x"),
    [
        (Vector(), floats(6, 3)),
        (Sequence(), floats(6, 4, 2)),
        (Tokens(5), TOKENS),
        (Vector(), {"a": floats(6, 1), "b": (floats(6, 2), floats(6, 3))}),
        (Image(), {"left": arrays().x, "right": arrays().x}),
    ],
)
def test_other_kinds_of_input(kind, x):
    made = Dataset("toy", arrays(x=x), arrays(100, x=x), ("a", "b", "c"), kind)
    assert made.input == kind and made.train.x is x


@pytest.mark.parametrize(
    ("kind", "x", "message"),
    [
        (Vector(), floats(6, 3, 2), "toy', train: x is float32 (6, 3, 2); expected float32 [rows, columns]"),
        (Vector(), floats(6, 3).astype(float), "x is float64 (6, 3); expected float32 [rows, columns]"),
        (Vector(), np.full((6, 3), np.inf, np.float32), "train: 18 values of x are not finite"),
        (Vector(), floats(6, 0), "train: x is (6, 0); expected at least one row"),
        (Vector(), {"a": floats(6, 3), "b": floats(5, 3)}, "the arrays of x have 6, 5 rows; expected equally many"),
        (Sequence(), floats(6, 3), "x is float32 (6, 3); expected float32 [rows, time, channels]"),
        (Tokens(5), floats(6, 3), "x is float32 (6, 3); expected int32 [rows, time]"),
        (Tokens(4), TOKENS, "tokens are 0 to 4; expected 0 to 3"),
        (Image(), floats(6, 3), "expected uint8 [rows, height, width, channels] (Dataset.input names another kind: V"),
        ("vector", floats(6, 3), "input 'vector'; expected Image(), Vector(), Sequence() or Tokens(number)"),
    ],
)
def test_what_is_not_of_its_kind_is_refused(kind, x, message):
    with pytest.raises(DataError, match=re.escape(message)):
        Dataset("toy", arrays(x=x), arrays(100, x=x), ("a", "b", "c"), kind)


def test_trees_of_two_shapes_are_refused():
    one, other = {"a": floats(6, 3)}, {"a": floats(6, 4)}
    with pytest.raises(DataError, match=re.escape("train vectors are {'a': (3,)}, test vectors {'a': (4,)}")):
        Dataset("toy", arrays(x=one), arrays(100, x=other), ("a", "b", "c"), Vector())


@pytest.mark.parametrize(
    ("y", "classes", "message"),
    [
        (floats(6), (), "y is float32 (6,); expected float32 (6, outputs) of real targets"),
        (floats(6, 2).astype(float), (), "y is float64 (6, 2); expected float32"),
        (floats(6, 2) * np.float32(np.nan), (), "12 values of y are not finite"),
        (floats(6, 2), ("a", "b"), "classes ('a', 'b') of real targets; expected ()"),
    ],
)
def test_real_targets(y, classes, message):
    sound = Dataset("toy", arrays(y=floats(6, 2)), arrays(100, y=floats(6, 2)), target_kind="real")
    assert sound.classes == ()
    with pytest.raises(DataError, match=re.escape(message)):
        Dataset("toy", arrays(y=y), arrays(100, y=y), classes, target_kind="real")


def test_the_name_of_a_task():
    assert Task(("a",), ("b", "c"), P).name == "a->b->c" and Task((), ("b", "c"), P).name == "->b->c"
    assert Task(("a",), ("b", "folder:/c"), P.with_shots(3)).name == f"a->b->folder:/c@{P.id}/3"
    assert Task(("a",), ("b",), P).name == "a->b"
    assert Task(("a", "c"), ("b",), P).name == "a+c->b"
    assert Task((), ("b",), P).name == "b"
    assert Task(("a",), ("folder:/b",), P.with_shots(3)).name == f"a->folder:/b@{P.id}/3"
    assert Task(("a",), ("b",), Protocol("P", "", 4, None, shots=10)).name == "a->b/10"


@pytest.mark.parametrize(
    ("sources", "target", "message"),
    [
        (("a", "a"), "b", "Task name 'a+a->b': a source comes twice"),
        (("a", "b"), "b", "Task name 'a+b->b': 'b' is source and target"),
        (("a+c",), "a", "'a' is source and target"),
        (("a ",), "b", "Task 'a ->b': in normal form its name is 'a->b'"),
        (("folder:/a+c",), "b", "Task 'folder:/a+c->b': it reads as TaskName(sources=('folder:/a', 'c')"),
        (
            ("a",),
            "folder:/b@c",
            "Task 'a->folder:/b@c': it reads as TaskName(sources=('a',), targets=('folder:/b',), prot",
        ),
    ],
)
def test_a_task_refuses(sources, target, message):
    with pytest.raises(DataError, match=re.escape(message)):
        Task(sources, (target,), P)


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        ((), "Task to (); expected a tuple of one target or more"),
        ("b", "Task to 'b'; expected a tuple of one target or more, as ('b',)"),
        (("b", "c", "b"), "Task name 'a->b->c->b': a target comes twice"),
        (("b", "a"), "'a' is source and target"),
        (("b->c",), "Task 'a->b->c': it reads as TaskName(sources=('a',), targets=('b', 'c')"),
    ],
)
def test_a_task_refuses_targets(targets, message):
    with pytest.raises(DataError, match=re.escape(message)):
        Task(("a",), targets, P)


def test_importing_the_types_imports_no_jax():
    code = "import sys, tlx.data; print(sorted({'jax', 'flax', 'PIL'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"
