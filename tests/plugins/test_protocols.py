"""The named protocols, on made-up datasets of the right names and proportions."""

import dataclasses
import re

import numpy as np
import pytest

from tlx import Arrays, DataAbsent, DataError, Dataset, Protocol, UnknownName
from tlx.data import Task, load_task
from tlx.data.shares import class_counts
from tlx.plugins import Registry
from tlx.runs.identity import protocol_hash

DIGITS = tuple("0123456789")
CIFAR = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
STL = ("airplane", "bird", "car", "cat", "deer", "dog", "horse", "monkey", "ship", "truck")
SHAPES = {
    "mnist": (60_000, 100, 2, 1),
    "usps": (2_000, 100, 1, 1),
    "svhn_cropped": (100, 100, 3, 3),
    "mnist_m": (200, 100, 2, 3),
    "cifar10": (200, 100, 3, 3),
    "stl10": (100, 100, 5, 3),
}


def split(name: str, part: str, rows: int, size: int, channels: int) -> Arrays:
    y = np.minimum(np.arange(rows, dtype=np.int32) % 11, 9)  # class 9 is twice as frequent
    x = np.broadcast_to(y.astype(np.uint8)[:, None, None, None], (rows, size, size, channels))
    original = "mnist" if name == "mnist_m" else name
    return Arrays(x, y, np.array([f"{original}/{part}/{row:05d}" for row in range(rows)]))


@pytest.fixture(scope="module")
def made():
    classes = {"cifar10": CIFAR, "stl10": STL}
    return {
        name: Dataset(
            name,
            split(name, "train", train, size, channels),
            split(name, "test", test, size, channels),
            classes.get(name, DIGITS),
        )
        for name, (train, test, size, channels) in SHAPES.items()
    }


@pytest.fixture(scope="module")
def everything():
    return Registry.load(environ={"TLX_PLUGINS": "datasets"})


@pytest.fixture(scope="module")
def loaded(everything, made):
    def dataset(name):
        if name not in made:
            raise UnknownName("dataset", name, made)
        return made[name]

    return lambda text: load_task(everything.get("tasks", text), dataset)


def sizes(data) -> tuple[int, ...]:
    return len(data.source.y), len(data.source_val.y), len(data.target.x), len(data.test.y)


@pytest.mark.parametrize(
    ("task", "rows", "shape"),
    [
        ("mnist:usps", (60_000, 100, 2_000, 100), (2, 2, 1)),
        ("mnist:usps@P-2000", (2_000, 100, 1_800, 100), (28, 28, 1)),
        ("mnist:usps@P-2000.3", (2_000, 100, 1_800, 100), (28, 28, 1)),
        ("usps:mnist@P-2000", (1_800, 100, 2_000, 100), (28, 28, 1)),
        ("mnist:usps@P-55k", (55_000, 100, 2_000, 100), (2, 2, 1)),
        ("usps:svhn_cropped", (2_000, 100, 100, 100), (3, 3, 3)),
        ("usps:svhn_cropped@P-sv-bal", (2_000, 100, 90, 100), (3, 3, 3)),
        ("svhn_cropped:usps@P-ADDA", (100, 100, 2_000, 2_000), (28, 28, 1)),
        ("mnist_m:mnist", (200, 100, 60_000, 100), (2, 2, 3)),
    ],
)
def test_rows_and_shapes(loaded, task, rows, shape):
    data = loaded(task)
    assert sizes(data) == rows and data.source.x.shape[1:] == data.test.x.shape[1:] == shape


def test_svhn_is_balanced(loaded):
    assert np.bincount(loaded("svhn_cropped:usps@P-sv-bal").source.y).tolist() == [9] * 10


def test_the_draws_of_p_2000_differ(everything, made):
    from tlx.data.domain import make_domain

    ids = ["P-2000", *(f"P-2000.{seed}" for seed in range(1, 5))]
    protocols = [everything.get("protocols", name) for name in ids]
    drawn = [frozenset(make_domain("usps", item, made.__getitem__).train.origin.tolist()) for item in protocols]
    assert len(set(drawn)) == 5 and [item.seed for item in protocols] == [0, 1, 2, 3, 4]


def test_p_kl_splits_each_domain_anew_and_one_original_to_one_side(loaded, everything, made):
    from tlx.data.domain import make_domain

    data = loaded("usps:svhn_cropped@P-KL")
    source, val, target, test = sizes(data)
    assert source + val == 2_100 and target + test == 200 and 1_580 <= source <= 1_780
    protocol = everything.get("protocols", "P-KL")
    mnist, mixed = (make_domain(name, protocol, made.__getitem__) for name in ("mnist", "mnist_m"))
    assert not set(mnist.train.origin) & set(mixed.test.origin) and set(mnist.train.origin) & set(mixed.train.origin)


def test_p_dg_selects_on_source_rows_and_scores_what_the_target_shows(loaded, everything):
    """The trap: a target's 20%, which no paper on domain generalisation scores; x in -1..1."""
    data = loaded("usps+svhn_cropped->mnist_m@P-DG")
    source, val, target, test = sizes(data)
    assert source + val == 2_300 and 0.75 < source / 2_300 < 0.85 and 220 <= target == test <= 260
    assert (data.mean, data.std) == (0.0, 1.0)
    task = everything.get("tasks", "colored_mnist:90+colored_mnist:80->colored_mnist:-90")
    assert task.protocol.id == "P-DG" and everything.get("tasks", "mnist+mnist_m+svhn_cropped+syn_digits->usps")


@pytest.mark.parametrize("alpha", ["0", "2"])
def test_p_asa_draws_train_rows_and_scores_all_others(loaded, alpha):
    data = loaded(f"usps:mnist@P-ASA-{alpha}")
    _, val, target, test = sizes(data)
    assert 250 <= val <= 400 and 8_600 <= test <= 9_400 and data.source.x.shape[1:] == (28, 28, 1)
    assert len(set(np.bincount(data.source.y))) == 1, "the source's classes are alike"
    rows = np.sort(np.bincount(data.target.x[:, 0, 0, 0], minlength=10))[::-1]  # a pixel is the class
    np.testing.assert_allclose(rows, rows[0] * np.arange(1, 11.0) ** -float(alpha), atol=1)
    assert target == rows.sum() and np.bincount(data.test.y).max() < 3 * np.bincount(data.test.y).min()


@pytest.mark.parametrize(
    ("name", "rows", "total"),
    [
        ("mnist", (5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949), 38_580),
        ("usps", (1194, 1005, 731, 658, 652, 556, 664, 645, 542, 644), 4_321),
    ],
)
def test_p_iwdan_keeps_three_in_ten_rows_of_the_first_five_digits(everything, name, rows, total):
    """As the paper's code: int(0.3 n) rows of each of the digits 0 to 4, and all others."""
    protocol = everything.get("protocols", f"P-iwdan-{name}")
    [draw] = protocol.draws
    digits = tuple("0123456789")
    counts = class_counts(draw.shares(name, digits, 0), np.array(rows), None, digits)
    assert counts.tolist() == [int(0.3 * count) for count in rows[:5]] + [*rows[5:]] and counts.sum() == total
    assert draw.dataset == name and draw.splits == ("train",)


@pytest.mark.parametrize("task", ["mnist:usps@P-iwdan-mnist", "usps:mnist@P-iwdan-usps"])
def test_p_iwdan_leaves_the_target_whole(loaded, task):
    data, whole = loaded(task), loaded(task.partition("@")[0])
    assert sizes(data)[1:] == sizes(whole)[1:] and sizes(data)[0] < sizes(whole)[0]


@pytest.mark.parametrize("task", ["cifar10:stl10", "stl10:cifar10"])
def test_p_cs_has_the_nine_shared_classes(loaded, task):
    data = loaded(task)
    assert data.space.known == tuple(name for name in CIFAR if name != "frog")
    assert data.source.x.shape[1:] == data.test.x.shape[1:] == (32, 32, 3)
    own, target = (CIFAR, STL) if task.startswith("cifar") else (STL, CIFAR)
    for classes, x, y in ((own, data.source.x, data.source.y), (target, data.test.x, data.test.y)):
        shown = [classes[pixel].replace("car", "automobile") for pixel in x[:, 0, 0, 0]]
        assert shown == [data.space.known[label] for label in y] and "frog" not in shown and "monkey" not in shown


def test_the_protocols_of_pretrained_nets_keep_small_images_small(everything, loaded):
    data = loaded("cifar10@P-224-lite/5")
    protocol = data.task.protocol
    assert sizes(data) == (0, 0, 200, 100) and len(data.labelled.y) == 50 and data.target.x.shape[1:] == (3, 3, 3)
    assert protocol.resize == 224
    pixels = np.arange(256) / 255
    np.testing.assert_allclose((pixels - protocol.mean) / protocol.std, (np.arange(256) - 127) / 128, atol=1e-12)
    assert everything.get("protocols", "P-96-imagenet").mean == (0.485, 0.456, 0.406)


def test_a_target_class_that_the_source_lacks_is_named(loaded, made):
    fewer = dataclasses.replace(made["stl10"], name="fewer", classes=(*STL[:-1], "lorry"))
    data = {**made, "fewer": fewer}
    task = Task(("fewer",), ("stl10",), Protocol("P", "any", 5, 3))
    with pytest.raises(
        DataError, match="expected the same or some of these: only 'fewer' has lorry; only 'stl10' has truck"
    ):
        load_task(task, data.__getitem__)


def test_classes_that_differ_are_named(loaded):
    message = "expected the same or some of these: only 'cifar10' has automobile, frog; only 'stl10' has car, monkey"
    with pytest.raises(Exception, match=re.escape(message)):
        loaded("cifar10:stl10@P-full-off")


@pytest.mark.parametrize(
    ("task", "edition"), [("mnist:usps@P-D5", "digit_five.mnist"), ("usps:mnist@P-D5", "digit_five.usps")]
)
def test_files_that_cannot_be_had_are_absent(loaded, task, edition):
    with pytest.raises(DataAbsent, match=f"from the dataset '{edition}', which is not here"):
        loaded(task)


def test_a_plugin_may_bring_the_edition(everything, made):
    task = everything.get("tasks", "mnist:usps@P-full-pkl")
    brought = dataclasses.replace(made["usps"], name="usps_28x28")
    data = load_task(task, {"mnist": made["mnist"], "usps_28x28": brought}.__getitem__)
    assert sizes(data)[2:] == (2_000, 100)


def test_every_protocol_is_registered_under_its_id_and_says_what_it_is(everything):
    entries = everything.entries("protocols")
    ids = {
        "P-5k",
        "P-5k-correlated",
        "P-5k-new",
        "P-5k-grown",
        "P-2000",
        "P-full-off",
        "P-full-pkl",
        "P-osbp-digits",
        *(f"P-ASA-{alpha}" for alpha in ("0", "1", "1.5", "2")),
        "P-iwdan-mnist",
        "P-iwdan-usps",
        "P-55k",
        "P-sv-bal",
        "P-D5",
        "P-KL",
        "P-DG",
        "P-CS",
        "P-ADDA",
        "P-C10-C",
        "P-note-iid",
        "P-note-correlated",
        *(f"P-{size}-imagenet" for size in (224, 128, 96)),
        *(f"P-{size}-lite" for size in (224, 128, 96, 64)),
        "P-OC10",
    }
    assert ids <= {entry.name for entry in entries}
    for entry in entries:
        assert everything.get("protocols", entry.name).id == entry.name and 0 < len(entry.summary) <= 110


def test_every_task_names_registered_datasets_and_a_registered_protocol(everything):
    protocols = {entry.name for entry in everything.entries("protocols")}
    for entry in everything.entries("tasks"):
        task = everything.get("tasks", entry.name)
        assert task.protocol.id.split("/")[0] in protocols and task.summary
        for name in (*task.sources, *task.targets):
            everything.entry("datasets", name)


def test_a_label_space_that_grew_a_field_leaves_the_hashes_of_results_as_they_were(everything):
    """The trap: every committed open and partial run named as of another protocol."""
    hashes = [
        protocol_hash(everything.get("protocols", f"P-5k-{name}")) for name in ("open", "partial", "new", "grown")
    ]
    assert [text[:12] for text in hashes[:2]] == ["8c9cebcf9845", "dd0eb358ad07"] and len(set(hashes)) == 4
