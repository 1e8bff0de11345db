"""Features of a backbone in the place of its images, as `tlx features` left them in the cache."""

from tlx import Dataset
from tlx.store import read_features


def load(rest: str) -> Dataset:
    """Cached features of a dataset, `features:EDITION/DATASET`: what `tlx features DATASET --name EDITION` has written.

    Vectors, float32 [rows, width], with the dataset's splits, labels and origins: any strategy runs on them, with the
    backbone `features` and a recipe's bottleneck. They pass through a protocol unchanged.

    Raises:
        DataError: not of this form.
        DataAbsent: they are not on this machine; the message has the command that makes them.
    """
    return read_features(rest)
