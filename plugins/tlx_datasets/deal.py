"""MNIST dealt to the domains of a set that is made from it, so that no two domains share an original."""

import hashlib

import numpy as np

from tlx.data import Arrays, Dataset


def deal(digits: Dataset, made: str, domains: int, place: int) -> tuple[Arrays, Arrays]:
    """The train and test rows of the domain at `place`: every `domains`-th of all rows, a fifth of them test.

    Train and test rows of `digits` are joined. Their order is that of the sha256 of "made:origin", so it is the same
    everywhere. Rows that are left over are in no domain.
    """
    both = Arrays(*(np.concatenate(parts) for parts in zip(digits.train, digits.test, strict=True)))
    hashes = [hashlib.sha256(f"{made}:{origin}".encode()).digest() for origin in both.origin.tolist()]
    dealt = np.array(sorted(range(len(hashes)), key=hashes.__getitem__))
    own = dealt[place::domains][: len(dealt) // domains]
    test, train = (Arrays(*(part[rows] for part in both)) for rows in np.split(own, [len(own) // 5]))
    return train, test
