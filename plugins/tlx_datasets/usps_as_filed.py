"""USPS with its rows in the order of the official files, for papers that take the first of each class.

Reference: LeCun, Boser, Denker, Henderson, Howard, Hubbard, Jackel, "Handwritten digit recognition with a
back-propagation network", NIPS 1989.
"""

from pathlib import Path

from tlx.data import Dataset
from tlx.store import Prepared, Ready
from tlx_datasets.rows import as_filed
from tlx_datasets.usps import FILES, build, ready, usps


def build_as_filed(folder: Path) -> Dataset:
    """The rows of `usps`, each with the same origin, in the order of the files, which all three forms share."""
    return build(folder, "usps_as_filed", as_filed)


def _ready() -> Ready | None:
    found = ready()
    return found and Ready(found.key, found.where, lambda: build_as_filed(found.where))


usps_as_filed = Prepared(
    "usps_as_filed",
    build_as_filed,
    FILES,
    source=usps.source,
    licence=usps.licence,
    ready=_ready,
    raw="usps",
)
