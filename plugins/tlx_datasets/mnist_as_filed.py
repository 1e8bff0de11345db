"""MNIST with its rows in the order of the official files, for papers that take the first or the last of them.

What TFDS has prepared is shuffled, so the files themselves are needed.

Reference: LeCun, Bottou, Bengio, Haffner, "Gradient-based learning applied to document recognition", 1998.
"""

from tlx.store import Prepared
from tlx_datasets import idx
from tlx_datasets.mnist import DIGITS, FILES, mnist
from tlx_datasets.rows import as_filed

mnist_as_filed = Prepared(
    "mnist_as_filed",
    idx.builder("mnist_as_filed", DIGITS, as_filed),
    FILES,
    source=mnist.source,
    licence=mnist.licence,
    raw="mnist",
)
