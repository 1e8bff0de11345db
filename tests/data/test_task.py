"""Datasets, protocols and tasks check themselves; every error names what was got and what was expected."""

import re
import subprocess
import sys

import numpy as np
import pytest

from tlx.data import Arrays, Dataset, Protocol, Task
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


def test_the_name_of_a_task():
    assert Task(("a",), "b", P).name == "a->b"
    assert Task(("a", "c"), "b", P).name == "a+c->b"
    assert Task((), "b", P).name == "b"
    assert Task(("a",), "folder:/b", P.with_shots(3)).name == f"a->folder:/b@{P.id}/3"
    assert Task(("a",), "b", Protocol("P", "", 4, None, shots=10)).name == "a->b/10"


@pytest.mark.parametrize(
    ("sources", "target", "message"),
    [
        (("a", "a"), "b", "Task name 'a+a->b': a source comes twice"),
        (("a", "b"), "b", "Task name 'a+b->b': 'b' is source and target"),
        (("a+c",), "a", "'a' is source and target"),
        (("a ",), "b", "Task 'a ->b': in normal form its name is 'a->b'"),
        (("folder:/a+c",), "b", "Task 'folder:/a+c->b': it reads as TaskName(sources=('folder:/a', 'c')"),
        (("a",), "folder:/b@c", "Task 'a->folder:/b@c': it reads as TaskName(sources=('a',), target='folder:/b', prot"),
    ],
)
def test_a_task_refuses(sources, target, message):
    with pytest.raises(DataError, match=re.escape(message)):
        Task(sources, target, P)


def test_importing_the_types_imports_no_jax():
    code = "import sys, tlx.data; print(sorted({'jax', 'flax', 'PIL'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"
