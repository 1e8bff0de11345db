"""Corruptions against their definitions, and CIFAR-10 under them."""

import colorsys
import io

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from tlx import Dataset
from tlx.errors import DataError
from tlx_datasets import cifar10_corrupted, corruptions
from tlx_datasets.corruptions import CORRUPTIONS, corrupted
from tlx_datasets.names import MADE

RANDOM = np.random.default_rng(7)
X = np.clip(ndimage.gaussian_filter(RANDOM.normal(128, 300, (40, 32, 32, 3)), (0, 2, 2, 0)), 0, 255).astype(np.uint8)
LEVEL = np.full((60, 32, 32, 3), 128, np.uint8)


def generator() -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(1))


def run(x: np.ndarray, name: str, severity: int) -> np.ndarray:
    return corrupted(x, name, severity, generator())


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_every_corruption_changes_images_alike_each_time(name):
    for severity in (1, 5):
        found = run(X, name, severity)
        assert found.dtype == np.uint8 and found.shape == X.shape and np.array_equal(found, run(X, name, severity))
        assert not np.array_equal(found, X)


@pytest.mark.parametrize("name", sorted(set(CORRUPTIONS) - {"saturate"}))
def test_severity_grows(name):
    change = [np.abs(run(X, name, severity).astype(int) - X).mean() for severity in range(1, 6)]
    assert change == sorted(change)


@pytest.mark.parametrize("severity", range(1, 6))
def test_noise_has_its_spread(severity):
    place = severity - 1
    scale = CORRUPTIONS["gaussian_noise"].constants[place]
    assert np.isclose(run(LEVEL, "gaussian_noise", severity).std() / 255, scale, rtol=0.02)
    photons = CORRUPTIONS["shot_noise"].constants[place]
    assert np.isclose(run(LEVEL, "shot_noise", severity).std() / 255, np.sqrt(128 / 255 / photons), rtol=0.02)
    scale = CORRUPTIONS["speckle_noise"].constants[place]
    assert np.isclose(run(LEVEL, "speckle_noise", severity).std() / 255, 128 / 255 * scale, rtol=0.02)
    amount, found = CORRUPTIONS["impulse_noise"].constants[place], run(LEVEL, "impulse_noise", severity)
    assert np.isclose((found == 0).mean(), amount / 2, rtol=0.1) and np.isclose(
        (found == 255).mean(), amount / 2, rtol=0.1
    )
    assert set(np.unique(found)) == {0, 128, 255}


def hsv(x: np.ndarray, change) -> np.ndarray:
    """A change of (h, s, v), pixel by pixel through colorsys."""
    pixels = [colorsys.hsv_to_rgb(*change(*colorsys.rgb_to_hsv(*pixel))) for pixel in (x / 255).reshape(-1, 3).tolist()]
    return np.array(pixels).reshape(x.shape) * 255


@pytest.mark.parametrize("severity", range(1, 6))
def test_brightness_and_saturation_are_those_of_hsv(severity):
    x = np.concatenate([X[:1], np.zeros((1, 32, 32, 3), np.uint8), LEVEL[:1]])
    more = CORRUPTIONS["brightness"].constants[severity - 1]
    expected = hsv(x, lambda h, s, v: (h, s, min(v + more, 1)))
    assert np.abs(run(x, "brightness", severity) - np.floor(expected + 1e-6)).max() == 0
    factor, plus = CORRUPTIONS["saturate"].constants[severity - 1]
    expected = hsv(x, lambda h, s, v: (h, min(max(s * factor + plus, 0), 1), v))
    assert np.abs(run(x, "saturate", severity) - np.floor(expected + 1e-6)).max() == 0


@pytest.mark.parametrize("severity", range(1, 6))
def test_contrast_blurs_jpeg_and_pixels(severity):
    place, x = severity - 1, X[:3]
    factor = CORRUPTIONS["contrast"].constants[place]
    for image, found in zip(x / 255, run(x, "contrast", severity), strict=True):
        mean = image.mean((0, 1))
        assert np.abs(np.clip((image - mean) * factor + mean, 0, 1) * 255 - found).max() <= 1
    kernel = corruptions.disk_kernel(*CORRUPTIONS["defocus_blur"].constants[place])
    sharp = np.stack([ndimage.correlate(image[..., c] / 255, kernel, mode="mirror") for image in x for c in range(3)])
    expected = np.moveaxis(sharp.reshape(3, 3, 32, 32), 1, 3) * 255
    assert np.abs(expected - run(x, "defocus_blur", severity)).max() <= 1
    share = CORRUPTIONS["pixelate"].constants[place]
    stream = io.BytesIO()
    Image.fromarray(x[0]).save(stream, "JPEG", quality=CORRUPTIONS["jpeg_compression"].constants[place])
    assert np.array_equal(run(x, "jpeg_compression", severity)[0], np.asarray(Image.open(stream)))
    side = int(32 * share)
    small = Image.fromarray(x[0]).resize((side, side), Image.Resampling.BOX)
    assert np.array_equal(run(x, "pixelate", severity)[0], np.asarray(small.resize((32, 32), Image.Resampling.BOX)))


def test_tasks_are_made_of_all_corruptions():
    assert MADE == tuple(CORRUPTIONS)


def test_the_disk():
    assert np.allclose(corruptions.disk_kernel(0.3, 0.4).sum(), 1) and corruptions.disk_kernel(0.3, 0.4)[3, 3] > 0.8
    plus = corruptions.disk_kernel(1, 0.05)  # so little blur that it is the disk itself
    assert np.allclose(plus[2:5, 2:5], np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]]) / 5)


def test_what_nothing_changes_comes_back(monkeypatch):
    monkeypatch.setitem(CORRUPTIONS, "none", corruptions.Corruption(lambda x, c, r: x, (0,) * 5))
    ramp = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1).repeat(3, axis=3)
    assert np.array_equal(run(ramp, "none", 1), ramp)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("gausian_noise/5", "no corruption 'gausian_noise'; nearest: gaussian_noise"),
        ("gaussian_noise/6", "expected 'cifar10_corrupted:gaussian_noise/5', severity 1 to 5"),
        ("gaussian_noise", "severity 1 to 5"),
        ("", "severity 1 to 5"),
    ],
)
def test_other_names_are_refused(name, message):
    with pytest.raises(DataError, match=message):
        cifar10_corrupted.load(name)


def test_cifar10_corrupted(mnist: Dataset):
    train, test = (part._replace(x=np.repeat(part.x, 3, axis=3)) for part in (mnist.train, mnist.test))
    clean = Dataset("cifar10", train, test, mnist.classes)
    prepared = cifar10_corrupted.load("contrast/3")
    data = prepared.build(clean, None)
    assert data.name == prepared.name == "cifar10_corrupted:contrast/3"
    assert np.array_equal(data.train.y, clean.train.y) and np.array_equal(data.test.origin, clean.test.origin)
    assert np.array_equal(data.test.x, run(clean.test.x, "contrast", 3))
    noise = cifar10_corrupted.build(clean, "gaussian_noise", 5)
    assert not np.array_equal(
        noise.train.x[0].astype(int) - clean.train.x[0], noise.test.x[0].astype(int) - clean.test.x[0]
    )
