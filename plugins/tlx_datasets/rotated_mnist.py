"""RotatedMNIST, six domains by angle: 28x28 grey, 9,333 train and 2,333 test rows each, `rotated_mnist:45`.

Reference: Ghifary, Kleijn, Zhang, Balduzzi, "Domain generalization for object recognition with multi-task
autoencoders", ICCV 2015.
"""

import numpy as np

from tlx import DataError
from tlx.data import Dataset
from tlx.store import Prepared
from tlx_datasets.deal import deal
from tlx_datasets.mnist import mnist
from tlx_datasets.names import ANGLES


def load(angle: str) -> Prepared:
    """One domain of RotatedMNIST, as the KL paper has it: `rotated_mnist:0`, `:15`, `:30`, `:45`, `:60`, `:75`.

    MNIST's 70,000 images, train and test, are shuffled and dealt to the six angles, 11,666 to each (4 are left over),
    so that no two domains share an original; each is rotated counterclockwise about its middle, bilinear. A fifth of
    each domain is test. The shuffle is the order of the sha256 of the origin, the same everywhere; the paper draws both
    anew for each run. The origins are MNIST's. DomainBed deals them alike, and splits each domain otherwise: protocol
    P-DG.

    Reference: Nguyen, Tran, Gal, Torr, Baydin, "KL guided domain adaptation", ICLR 2022, section 4.1.

    Raises:
        DataError: another angle.
    """
    if angle not in map(str, ANGLES):
        raise DataError(f"The dataset 'rotated_mnist:{angle}'; expected one of {', '.join(map(str, ANGLES))} degrees.")
    return Prepared(
        f"rotated_mnist:{angle}",
        lambda digits, _: build(digits, int(angle)),
        needs=(mnist,),
        source="made here from MNIST",
        licence=mnist.licence,
    )


def build(digits: Dataset, angle: int) -> Dataset:
    """The domain of an angle, from MNIST."""
    dealt = deal(digits, "rotated_mnist", len(ANGLES), ANGLES.index(angle))
    train, test = (part._replace(x=rotated(part.x, angle)) for part in dealt)
    return Dataset(f"rotated_mnist:{angle}", train, test, digits.classes)


def rotated(x: np.ndarray, angle: float) -> np.ndarray:
    """Grey images [N, H, W, 1], counterclockwise by `angle` degrees about the middle; black beyond the edges."""
    from PIL import Image

    images = (Image.fromarray(image).rotate(angle, Image.Resampling.BILINEAR) for image in x[..., 0])
    return np.stack([np.asarray(image) for image in images])[..., None]
