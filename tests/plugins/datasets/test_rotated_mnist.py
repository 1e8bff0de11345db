"""RotatedMNIST: who goes to which angle, and how far each image is turned."""

import numpy as np
import pytest
from scipy import ndimage

from tlx import Dataset
from tlx.errors import DataError
from tlx_datasets import rotated_mnist

ANGLES = rotated_mnist.ANGLES


def test_the_domains_share_no_original(mnist: Dataset):
    domains = [rotated_mnist.build(mnist, angle) for angle in ANGLES]
    origins = [{*data.train.origin, *data.test.origin} for data in domains]
    assert [len(own) for own in origins] == [140 // 6] * 6 and len(set.union(*origins)) == 6 * (140 // 6)
    assert [len(data.test.y) for data in domains] == [23 // 5] * 6
    assert [data.name for data in domains] == [f"rotated_mnist:{angle}" for angle in ANGLES]


def test_labels_go_with_their_images(mnist: Dataset):
    held = {name: (x, y) for part in (mnist.train, mnist.test) for x, y, name in zip(*part, strict=True)}
    data = rotated_mnist.build(mnist, 0)
    for x, y, name in zip(*data.train, strict=True):
        assert np.array_equal(x, held[name][0]) and y == held[name][1]


def test_the_deal_does_not_depend_on_the_order(mnist: Dataset):
    order = np.random.default_rng(0).permutation(120)
    mixed = Dataset("mnist", type(mnist.train)(*(part[order] for part in mnist.train)), mnist.test, mnist.classes)
    for one, other in zip(rotated_mnist.build(mnist, 30).train, rotated_mnist.build(mixed, 30).train, strict=True):
        assert np.array_equal(one, other)


@pytest.mark.parametrize("angle", ANGLES)
def test_images_turn_counterclockwise(angle):
    """Against scipy's bilinear rotation, on a smooth image that is black at its edges."""
    rows, columns = np.indices((28, 28)) - 13.5
    image = 250 * np.exp(-((rows + 4) ** 2 / 8 + (columns - 3) ** 2 / 14))
    image = image.astype(np.uint8)
    found = rotated_mnist.rotated(image[None, ..., None], angle)[0, ..., 0]
    expected = ndimage.rotate(image.astype(float), angle, reshape=False, order=1)
    assert np.abs(found - expected).max() <= 2
    peak = np.unravel_index(found.argmax(), found.shape)
    turn = np.deg2rad(angle)
    assert (
        np.abs(
            np.array(peak) - 13.5 - (-4 * np.cos(turn) - 3 * np.sin(turn), 3 * np.cos(turn) - 4 * np.sin(turn))
        ).max()
        < 1.5
    )


@pytest.mark.parametrize("angle", ["10", "90", "", "15.0", "-15"])
def test_other_angles_are_refused(angle):
    with pytest.raises(DataError, match="expected one of 0, 15, 30, 45, 60, 75 degrees"):
        rotated_mnist.load(angle)


def test_a_name_gives_its_domain(mnist: Dataset):
    prepared = rotated_mnist.load("45")
    assert prepared.name == "rotated_mnist:45" and [need.name for need in prepared.needs] == ["mnist"]
    assert prepared.build(mnist, None).name == "rotated_mnist:45"
