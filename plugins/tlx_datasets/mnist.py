"""Handwritten digits, MNIST in full: 28x28 grey, 60,000 train and 10,000 test rows.

Reference: LeCun, Bottou, Bengio, Haffner, "Gradient-based learning applied to document recognition", 1998.
"""

from tlx.store import Prepared
from tlx_datasets import idx, tfds

DIGITS = tuple("0123456789")
FILES = idx.files(
    ("https://storage.googleapis.com/cvdf-datasets/mnist", "https://ossci-datasets.s3.amazonaws.com/mnist"),
    (
        ("440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609", 9912422),
        ("3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c", 28881),
        ("8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6", 1648877),
        ("f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6", 4542),
    ),
)

build = idx.builder("mnist", DIGITS)
mnist = Prepared(
    "mnist",
    build,
    FILES,
    source="LeCun, Cortes, Burges: http://yann.lecun.com/exdb/mnist",
    licence="CC BY-SA 3.0",
    ready=lambda: tfds.ready("mnist", "mnist"),
)
