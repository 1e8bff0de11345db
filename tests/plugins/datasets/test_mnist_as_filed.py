import gzip

import numpy as np

from tlx_datasets import mnist
from tlx_datasets.mnist_as_filed import mnist_as_filed


def _write(path, magic, values):
    head = magic.to_bytes(4) + b"".join(size.to_bytes(4) for size in values.shape)
    path.write_bytes(gzip.compress(head + values.astype(np.uint8).tobytes()))


def test_rows_are_in_the_order_of_the_files_and_are_those_of_mnist(tmp_path):
    """The trap: rows by content, so that "the first 30,000" are others than the paper's."""
    random = np.random.default_rng(0)
    y = np.array([3, 1, 4, 1, 5, 9])
    for split in ("train", "t10k"):
        _write(tmp_path / f"{split}-images-idx3-ubyte.gz", 2051, random.integers(0, 255, (6, 4, 4)))
        _write(tmp_path / f"{split}-labels-idx1-ubyte.gz", 2049, y)
    filed, sorted_rows = mnist_as_filed.build(tmp_path), mnist.build(tmp_path)
    assert filed.name == "mnist_as_filed" and filed.train.y.tolist() == y.tolist() != sorted_rows.train.y.tolist()
    assert sorted(map(bytes, filed.test.x)) == sorted(map(bytes, sorted_rows.test.x))
