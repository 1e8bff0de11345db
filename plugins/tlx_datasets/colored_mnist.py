"""ColoredMNIST, three domains by how far the colour agrees with the label: 28x28 RGB, two classes, `colored_mnist:90`.

Reference: Arjovsky, Bottou, Gulrajani, Lopez-Paz, "Invariant risk minimization", 2019.
"""

import hashlib

import numpy as np

from tlx import DataError
from tlx.data import Dataset
from tlx.store import Prepared
from tlx_datasets.deal import deal
from tlx_datasets.mnist import mnist
from tlx_datasets.names import AGREEMENTS

CLASSES = ("5 to 9", "0 to 4")
NOISE = 0.25  # of the labels, as in the paper


def load(name: str) -> Prepared:
    """One domain of ColoredMNIST as DomainBed has it: `colored_mnist:90`, `colored_mnist:80` or `colored_mnist:-90`.

    The label says whether the digit is below 5, and one label in four is then changed. A digit of label 1 is green and
    one of label 0 is red in 90, 80 or 10 of 100 rows (+90%, +80% and -90% in DomainBed). So colour tells the label
    better than the shape does in the first two domains, and misleads in the third. By shape alone no more than 0.75 can
    be had.

    MNIST's 70,000 images, train and test, are shuffled and dealt to the three domains, 23,333 to each (1 is left over),
    so that no two domains share an original. A fifth of each domain is test. The shuffle is the order of the sha256 of
    the origin, and so are the draws of label and colour, the same everywhere; DomainBed draws them anew for each run.
    DomainBed's images have two channels: here blue, the third, is 0. The paper has 14x14 pixels and domains of other
    sizes.

    Reference: Gulrajani, Lopez-Paz, "In search of lost domain generalization", ICLR 2021 (its code).

    Raises:
        DataError: another domain.
    """
    if name not in AGREEMENTS:
        raise DataError(f"The dataset 'colored_mnist:{name}'; expected one of {', '.join(AGREEMENTS)}.")
    return Prepared(
        f"colored_mnist:{name}",
        lambda digits, _: build(digits, name),
        needs=(mnist,),
        source="made here from MNIST",
        licence=mnist.licence,
    )


def build(digits: Dataset, name: str) -> Dataset:
    """The domain of a name, from MNIST."""
    parts = []
    for part in deal(digits, "colored_mnist", len(AGREEMENTS), list(AGREEMENTS).index(name)):
        labels = (part.y < 5) ^ (chances("label", part.origin) < NOISE)
        green = labels ^ (chances("colour", part.origin) >= AGREEMENTS[name])
        x = np.zeros((*part.x.shape[:3], 3), np.uint8)
        x[np.arange(len(x)), :, :, green.astype(int)] = part.x[..., 0]
        parts.append(part._replace(x=x, y=labels.astype(np.int32)))
    return Dataset(f"colored_mnist:{name}", parts[0], parts[1], CLASSES)


def chances(salt: str, origins: np.ndarray) -> np.ndarray:
    """A number in 0..1 for each origin, by its sha256."""
    digests = (hashlib.sha256(f"colored_mnist {salt}:{origin}".encode()).digest() for origin in origins.tolist())
    return np.array([int.from_bytes(digest[:8], "big") / 2**64 for digest in digests])
