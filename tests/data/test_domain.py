"""A dataset as a protocol takes it: classes and renames, pooled splits, draws, editions."""

import dataclasses
import re
from hashlib import sha256

import numpy as np
import pytest

from tlx.data import (
    Arrays,
    Dataset,
    Dirichlet,
    Draw,
    LabelSpace,
    LongTail,
    Protocol,
    Task,
    Tweaked,
    load_task,
)
from tlx.data.domain import make_domain
from tlx.errors import DataAbsent, DataError, UnknownName

P = Protocol("P", "", 2, None)
ANIMALS = ("car", "cat", "dog")


def arrays(name: str, rows: range, labels=None) -> Arrays:
    """Rows that hold their number in every pixel; label number % 3 unless given."""
    number = np.array(rows)
    x = np.broadcast_to(number.astype(np.uint8)[:, None, None, None], (len(rows), 2, 2, 1)).copy()
    y = number % 3 if labels is None else np.array(labels)
    return Arrays(x, y.astype(np.int32), np.array([f"{name}/{row}" for row in rows]))


def dataset(name="a", classes=ANIMALS, train=range(60), test=range(100, 130), labels=None) -> Dataset:
    return Dataset(name, arrays(name, train, labels), arrays(name, test), classes)


def domain(loaded=None, **changes):
    loaded = loaded or dataset()
    return make_domain(loaded.name, dataclasses.replace(P, **changes), {loaded.name: loaded}.__getitem__)


def names(part) -> list[str]:
    return part.origin.tolist()


def test_as_it_is():
    found = domain()
    assert names(found.train) == [f"a/{row}" for row in range(60)] and found.classes == ANIMALS
    assert found.test.y.tolist() == [row % 3 for row in range(100, 130)]


def test_classes_are_renamed_left_out_and_numbered_anew():
    found = domain(renames=(("car", "automobile"),), classes=("dog", "automobile"))
    assert found.classes == ("dog", "automobile")
    assert names(found.train) == [f"a/{row}" for row in range(60) if row % 3 != 1]
    assert found.train.y.tolist() == [1, 0] * 20  # rows 0, 2, 3, 5, ...: car, dog, car, dog


def test_both_domains_have_the_classes_of_the_protocol():
    first = dataset("a", ("car", "cat", "dog"))
    second = dataset("b", ("automobile", "dog", "frog"))
    shared = dataclasses.replace(P, renames=(("car", "automobile"),), classes=("automobile", "dog"))
    data = load_task(Task(("a",), ("b",), shared), {"a": first, "b": second}.__getitem__)
    assert data.space.known == ("automobile", "dog")
    for x, y in ((data.source.x, data.source.y), (data.source_val.x, data.source_val.y)):
        assert [{0: 0, 2: 1}[row % 3] for row in x[:, 0, 0, 0].tolist()] == y.tolist()
    assert [{0: 0, 1: 1}[row % 3] for row in data.test.x[:, 0, 0, 0].tolist()] == data.test.y.tolist()


def test_a_class_that_the_dataset_lacks_is_named():
    message = "Protocol 'P', dataset 'a': no class automobile, dogs; it has car, cat, dog"
    with pytest.raises(DataError, match=re.escape(message)):
        domain(classes=("cat", "automobile", "dogs"))


def test_pooled_splits_keep_every_row_once_and_one_origin_on_one_side():
    found = domain(pooled=0.8)
    train, test = set(names(found.train)), set(names(found.test))
    assert not train & test and len(train | test) == 90 and 60 <= len(train) <= 84
    assert {name for name in train if int(name[2:]) >= 100} and {name for name in test if int(name[2:]) < 60}
    for part in (found.train, found.test):  # labels and images have moved with their rows
        assert [int(name[2:]) % 3 for name in names(part)] == part.y.tolist()
    other = domain(dataset(test=range(100, 110)), pooled=0.8)
    assert set(names(other.train)) == {name for name in train if int(name[2:]) < 110}
    assert set(names(domain(pooled=0.8, seed=1).train)) != train


def test_pooled_images_come_from_both_splits():
    data = load_task(
        Task(("a",), ("b",), dataclasses.replace(P, pooled=0.5)), {name: dataset(name) for name in "ab"}.__getitem__
    )
    assert [row % 3 for row in data.source.x[:, 0, 0, 0].tolist()] == data.source.y.tolist()
    assert len(data.source.y) + len(data.source_val.y) == 90 == len(data.target.x) + len(data.test.x)
    assert (data.source.x >= 100).any() and (data.source_val.x < 60).any()


def test_a_random_draw_is_of_the_named_dataset_and_has_a_seed():
    draw = (Draw("a", "random", 20),)
    found = names(domain(draws=draw).train)
    assert (
        len(found) == 20
        and found == sorted(found, key=lambda name: int(name[2:]))
        and found != names(domain().train)[:20]
    )
    assert names(domain(draws=draw, seed=1).train) != found
    assert set(names(domain(draws=(Draw("a", "random", 21),)).train)) > set(found)
    assert len(domain(draws=(Draw("b", "random", 20),)).train.y) == 60
    assert len(domain(draws=(Draw("[a-c]", "random", 20),)).train.y) == 20
    assert names(domain(draws=draw).test) == names(domain().test)


def test_a_draw_is_the_rows_with_the_smallest_hash_of_their_origin():
    found = names(domain(draws=(Draw("a", "random", 5),)).train)
    every = [f"a/{row}" for row in range(60)]
    assert set(found) == set(sorted(every, key=lambda name: sha256(f"a random 0:{name}".encode()).digest())[:5])
    assert found == ["a/23", "a/26", "a/31", "a/33", "a/38"]


def test_the_first_rows():
    assert names(domain(draws=(Draw("a", "first", 20),)).train) == [f"a/{row}" for row in range(20)]


def test_a_balanced_draw_has_as_many_of_each_class_as_the_rarest_or_as_asked():
    uneven = dataset(labels=[0] * 30 + [1] * 20 + [2] * 10)
    assert np.bincount(domain(uneven, draws=(Draw("a", "balanced"),)).train.y).tolist() == [10, 10, 10]
    assert np.bincount(domain(uneven, draws=(Draw("a", "balanced", 4),)).train.y).tolist() == [4, 4, 4]


def test_a_draw_by_a_prior_has_its_shares_in_the_splits_that_it_names():
    tweaked = Draw("a", "prior", 30, Tweaked("cat", 0.6))
    found = domain(draws=(tweaked,))
    assert np.bincount(found.train.y).tolist() == [6, 18, 6] and len(found.test.y) == 30
    assert found.shares == pytest.approx((0.2, 0.6, 0.2)) and domain().shares is None
    assert [int(name[2:]) % 3 for name in names(found.train)] == found.train.y.tolist()
    both = domain(draws=(Draw("a", "prior", prior=(0.5, 0.25, 0.25), splits=("train", "test")),))
    assert np.bincount(both.train.y).tolist() == [20, 10, 10] and np.bincount(both.test.y).tolist() == [10, 5, 5]


def test_a_random_prior_is_of_the_dataset_and_the_seed_and_its_rows_are_those_of_smallest_hash():
    draw = Draw("*", "prior", prior=Dirichlet(1.0))
    found = domain(draws=(draw,))
    assert found.shares == domain(draws=(draw,)).shares == tuple(draw.shares("a", ANIMALS, 0))
    assert found.shares != domain(draws=(draw,), seed=1).shares != domain(dataset("b"), draws=(draw,), seed=1).shares
    counts = np.bincount(found.train.y, minlength=3)
    assert np.abs(counts - counts.sum() * np.array(found.shares)).max() <= 1
    for label, count in enumerate(counts):
        own = [f"a/{row}" for row in range(60) if row % 3 == label]
        first = sorted(own, key=lambda name: sha256(f"a prior 0:{name}".encode()).digest())[:count]
        assert {name for name in names(found.train) if int(name[2:]) % 3 == label} == set(first)


def test_a_prior_is_over_the_classes_that_take_part():
    labels = LabelSpace(("dog", "cat"), ("car", "dog"), unknown=True)
    draw = Draw("a", "prior", prior=LongTail(4.0))
    kept = dataclasses.replace(P, labels=labels, draws=(draw,))
    source, target = (make_domain("a", kept, lambda _: dataset(), is_target) for is_target in (False, True))
    assert source.classes == ("dog", "cat") and np.bincount(source.train.y).tolist() == [20, 5]
    assert target.classes == ("car", "dog") and np.bincount(target.train.y).tolist() == [20, 5]
    assert {int(name[2:]) % 3 for name in names(source.train)[:99]} == {2, 1}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"draws": (Draw("a", "prior", 50, (0.5, 0.5, 0.0)),)},
            "dataset 'a', train: class 'car' has 20 rows; expected 25 or more (prior)",
        ),
        ({"draws": (Draw("a", "prior", prior=(0.5, 0.5)),)}, "dataset 'a': 2 shares of 3 classes (car, cat, dog)"),
        ({"draws": (Draw("a", "prior", prior=Tweaked("cow", 0.5)),)}, "dataset 'a': Tweaked prior: no class 'cow'"),
        (
            {"draws": (Draw("a", "prior", 20, (0.5, 0.5, 0.0)),)},
            "dataset 'a', train: the prior leaves class 'dog' without one of 20 rows; expected a row of each",
        ),
        ({"draws": (Draw("a", "random", 61),)}, "it has 60 train rows; expected 61 or more (draw)"),
        ({"draws": (Draw("a", "balanced", 21),)}, "its rarest class has 20 train rows; expected 21 of each (draw)"),
        ({"pooled": 1e-9}, "Protocol 'P', dataset 'a': no train row is left"),
    ],
)
def test_it_refuses(changes, message):
    with pytest.raises(DataError, match=re.escape(message)):
        domain(**changes)


def test_another_edition_takes_the_place_or_is_absent():
    def registered(name):
        if name not in ("usps_pkl", "mnist"):
            raise UnknownName("dataset", name, ["mnist", "usps_pkl"])
        return dataset(name)

    other = dataclasses.replace(P, editions=(("usps", "usps_pkl"), ("svhn", "svhn_small")))
    assert names(make_domain("usps", other, registered).train)[0] == "usps_pkl/0"
    with pytest.raises(DataAbsent, match="Protocol 'P' takes 'svhn' from the dataset 'svhn_small', which is not here"):
        make_domain("svhn", other, registered)
    with pytest.raises(UnknownName, match="Unknown dataset 'svhn'"):
        make_domain("svhn", P, registered)
