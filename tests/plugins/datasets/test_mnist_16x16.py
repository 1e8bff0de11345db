import numpy as np
from scipy.ndimage import map_coordinates

from tlx_datasets.mnist_16x16 import smaller


def test_pixels_are_read_at_multiples_of_the_step():
    """scipy's bilinear interpolation at (1.75 i, 1.75 j): the corner stays, and nothing is averaged."""
    x = np.random.default_rng(0).integers(0, 256, (3, 28, 28, 1), np.uint8)
    at = np.stack(np.meshgrid(np.arange(16) * 1.75, np.arange(16) * 1.75, indexing="ij"))
    expected = [map_coordinates(image[..., 0].astype(float), at, order=1) for image in x]
    found = smaller(x)
    assert found.shape == (3, 16, 16, 1) and np.array_equal(found[:, 0, 0], x[:, 0, 0])
    np.testing.assert_array_equal(found[..., 0], np.rint(expected))
