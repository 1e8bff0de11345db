"""ColoredMNIST: who goes to which domain, how often labels are changed, and which colour shows."""

import numpy as np
import pytest

from tlx import Arrays, Dataset
from tlx.errors import DataError
from tlx_datasets import colored_mnist

NAMES = ("90", "80", "-90")


@pytest.fixture(scope="module")
def digits() -> Dataset:
    """Six thousand small images, each of one grey, which tells its row."""
    parts = []
    for split, rows in (("train", 5000), ("test", 1000)):
        x = np.broadcast_to(1 + np.arange(rows, dtype=np.uint8)[:, None, None, None] % 200, (rows, 4, 4, 1))
        origin = np.array([f"mnist/{split}/{row:05d}" for row in range(rows)])
        parts.append(Arrays(x, np.arange(rows, dtype=np.int32) % 10, origin))
    return Dataset("mnist", parts[0], parts[1], tuple("0123456789"))


@pytest.fixture(scope="module")
def domains(digits) -> dict[str, Dataset]:
    return {name: colored_mnist.build(digits, name) for name in NAMES}


def shown(data: Dataset) -> Arrays:
    """Train and test rows."""
    return Arrays(*(np.concatenate(parts) for parts in zip(data.train, data.test, strict=True)))


def test_the_domains_share_no_original(domains):
    origins = [set(shown(data).origin) for data in domains.values()]
    assert [len(own) for own in origins] == [2000] * 3 and len(set.union(*origins)) == 6000
    assert [len(data.test.y) for data in domains.values()] == [400] * 3


@pytest.mark.parametrize(("name", "agreement"), [("90", 0.9), ("80", 0.8), ("-90", 0.1)])
def test_labels_are_noisy_and_colours_follow_the_noisy_labels(domains, digits, name, agreement):
    """The trap: a colour that follows the digit, so that noise of the label is noise of the colour too."""
    x, y, origin = shown(domains[name])
    held = {
        row: number for part in (digits.train, digits.test) for row, number in zip(part.origin, part.y, strict=True)
    }
    below = np.array([held[row] < 5 for row in origin])
    green = x[..., 1].any((1, 2))
    spread = 4 * np.sqrt(0.25 / len(y))
    assert np.mean(below == y) == pytest.approx(0.75, abs=spread)
    assert np.mean(green == y) == pytest.approx(agreement, abs=spread)
    assert np.mean((green == y)[below == y]) == pytest.approx(agreement, abs=2 * spread)
    assert domains[name].classes[1] == "0 to 4"


def test_a_digit_shows_in_one_channel_and_blue_in_none(domains, digits):
    greys = dict(zip(digits.train.origin, digits.train.x[:, 0, 0, 0], strict=True))
    for data in domains.values():
        for x, origin in zip(data.train.x, data.train.origin, strict=True):
            assert x[0, 0, 2] == 0 and (x == x[:1, :1]).all()
            assert origin not in greys or sorted(x[0, 0]) == [0, 0, greys[origin]]


def test_draws_do_not_depend_on_the_order(domains, digits):
    order = np.random.default_rng(0).permutation(5000)
    mixed = Dataset("mnist", Arrays(*(part[order] for part in digits.train)), digits.test, digits.classes)
    for one, other in zip(colored_mnist.build(mixed, "80").train, domains["80"].train, strict=True):
        assert np.array_equal(one, other)


@pytest.mark.parametrize("name", ["+90", "10", "", "0.9"])
def test_other_domains_are_refused(name):
    with pytest.raises(DataError, match="expected one of 90, 80, -90"):
        colored_mnist.load(name)


def test_a_name_gives_its_domain(digits):
    prepared = colored_mnist.load("-90")
    assert prepared.name == "colored_mnist:-90" and [need.name for need in prepared.needs] == ["mnist"]
    assert prepared.build(digits, None).name == "colored_mnist:-90"
