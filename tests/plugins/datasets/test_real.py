"""The content of the datasets made from real raw files: every way to it, and every machine, gives these arrays."""

import hashlib
from pathlib import Path

import pytest

from tlx.plugins import Registry
from tlx.store import Prepared

pytestmark = [pytest.mark.data, pytest.mark.slow]
HASHES = {
    "usps": "329ce905f2d6ffb5c5ae2f2d62c6bd6f8ad57d29f8c89fdaf5f34ceca82e88e4",
    "mnist_m": "22e9a7a1ede63b3c804c8171d4f17fb2a7e4d9eb9692813e83254e4920898d3a",
    "rotated_mnist:0": "30db2d3dca5e0de57c0a11b02eb2fe234315170e93eae1a5f91d2bdf3541050b",
    "rotated_mnist:75": "043ba25e8dd6dd399798e0bbb94c79d2ad47af33f92eec570b2e3ec9f7e38c75",
    "chars74k_fnt": "9c7a3a3e6d312ddf23e2bc16f235933cc9275e02a886369c76b4edb29c6dbc79",
    "chars74k_img": "11ea464df3ba9d2cfa6b8de87157e4a8a888bcb428fefb12b626eb9c3a79ab19",
}


@pytest.mark.parametrize("name", HASHES)
def test_the_content_is_pinned(name: str, raw: Path):
    subject = Registry.load(environ={"TLX_PLUGINS": "datasets"}).entry("datasets", name).source()
    assert isinstance(subject, Prepared)
    data, digest = subject.prepare(raw), hashlib.sha256()
    for part in (data.train.x, data.train.y, data.test.x, data.test.y):
        digest.update(part.tobytes())
    assert digest.hexdigest() == HASHES[name], "the data of a published task changed: give it a new name, or undo it"
