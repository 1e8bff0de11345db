"""Sets that TFDS prepared: tiny ones prepared here, without TensorFlow, and the real ones of TLX_TEST_DATA."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tlx.errors import DataAbsent, DataError
from tlx.plugins import Registry
from tlx.store import Prepared
from tlx.store.inventory import state
from tlx_datasets import emnist_digits, mnist, tfds

TINY = """
import io, sys
import numpy as np
from PIL import Image
import tensorflow_datasets as tfds

def png(image):
    stream = io.BytesIO()
    Image.fromarray(image[..., 0] if image.shape[2] == 1 else image).save(stream, "PNG")
    stream.seek(0)
    return stream

class Tiny(tfds.core.GeneratorBasedBuilder):
    VERSION = tfds.core.Version("1.0.0")
    SPLITS, SHAPE, SIZES = {"train": 30, "test": 12, "extra": 2}, (6, 6, 1), [6]

    def _info(self):
        label = tfds.features.ClassLabel(names=["a", "b", "c"])
        features = tfds.features.FeaturesDict({"image": tfds.features.Image(shape=self.SHAPE), "label": label})
        return tfds.core.DatasetInfo(builder=self, features=features)

    def _split_generators(self, manager):
        return {split: self._generate_examples(split) for split in self.SPLITS}

    def _generate_examples(self, split):
        random = np.random.default_rng(self.SPLITS[split])
        for row in range(self.SPLITS[split]):
            size = self.SIZES[row % len(self.SIZES)]
            yield row, {"image": png(random.integers(0, 256, (size, 6, self.SHAPE[2]), np.uint8)), "label": row % 3}

class Photos(Tiny):
    VERSION = tfds.core.Version("1.0.10")
    SPLITS, SHAPE, SIZES = {"train": 30}, (None, None, 3), [6, 9]

class Checked(Tiny):
    SPLITS = {"train": 9, "validation": 3}

class NoTrain(Tiny):
    SPLITS = {"test": 3}

class Boxes(Tiny):
    def _info(self):
        return tfds.core.DatasetInfo(builder=self, features=tfds.features.FeaturesDict({"text": tfds.features.Text()}))
    def _generate_examples(self, split):
        yield 0, {"text": "none"}

for builder in (Tiny, Photos, Checked, NoTrain, Boxes):
    builder(data_dir=sys.argv[1], file_format="array_record").download_and_prepare()
print("tensorflow" in sys.modules)
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """In a process of its own: TFDS meets warnings there that are errors here."""
    folder = tmp_path_factory.mktemp("tfds")
    (folder / "tiny_builder.py").write_text(TINY)
    command = [sys.executable, str(folder / "tiny_builder.py"), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.stdout.split()[-1:] == ["False"], done.stderr
    return folder


@pytest.fixture
def data_dir(made, tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("TLX_DATA_DIR", str(tmp_path / "home"))
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "tfds"))
    shutil.copytree(made, tmp_path / "tfds")
    return tmp_path / "tfds"


def expected(rows: int, shape=(6, 6, 1)) -> list[tuple[bytes, int]]:
    random = np.random.default_rng(rows)
    return sorted((random.integers(0, 256, shape, np.uint8).tobytes(), row % 3) for row in range(rows))


def pairs(part) -> list[tuple[bytes, int]]:
    return sorted((image.tobytes(), int(label)) for image, label in zip(part.x, part.y, strict=True))


def test_a_set_is_read_as_it_is_and_cached(data_dir):
    prepared = Registry.load(environ={"TLX_PLUGINS": "datasets"}).entry("datasets", "tfds:tiny").source()
    assert isinstance(prepared, Prepared) and state(prepared).kind == "prepared"
    found = prepared()
    assert (found.name, found.classes) == ("tfds:tiny", ("a", "b", "c"))
    assert pairs(found.train) == expected(30) and pairs(found.test) == expected(12)
    assert found.train.origin[7] == "tiny/train/00007" and found.test.origin[7] == "tiny/test/00007"
    assert state(prepared).kind == "cached" and tfds.load("tiny").key == prepared.key


def test_the_registry_gives_the_dataset_of_a_prefix(data_dir):
    registry = Registry.load(environ={"TLX_PLUGINS": "datasets"})
    assert registry.get("datasets", "tfds:tiny") is registry.get("datasets", "tfds:tiny")
    assert registry.get("datasets", "tfds:tiny:1.0.0").name == "tfds:tiny:1.0.0"


def test_where_there_is_no_test_split_one_is_chosen(data_dir):
    assert pairs(tfds.load("checked")().test) == expected(3)
    found = tfds.load("photos")()
    assert found.train.x.shape == (24, 224, 224, 3) and np.bincount(found.test.y).tolist() == [2, 2, 2]
    assert len({*found.train.origin, *found.test.origin}) == 30


def test_images_of_several_sizes_are_scaled():
    image = np.random.default_rng(0).integers(0, 256, (300, 100, 3), np.uint8)
    by_pillow = np.asarray(Image.fromarray(image).resize((224, 224), Image.Resampling.BILINEAR))
    assert np.array_equal(tfds.scaled(image), by_pillow)
    assert np.array_equal(tfds.scaled(image[..., :1])[..., 0], by_pillow[..., 0])


def test_a_set_is_transposed_where_it_is_not_upright(data_dir):
    found = tfds.ready("tiny", "other", upright=False)
    assert found is not None
    turned = found.build()
    assert turned.name == "other" and turned.train.origin[0] == "other/train/00000"
    assert pairs(turned.train._replace(x=turned.train.x.swapaxes(1, 2))) == expected(30)


def test_the_newest_version_is_taken_and_its_content_is_its_key(data_dir):
    first = tfds.ready("tiny")
    shutil.copytree(data_dir / "tiny/1.0.0", data_dir / "tiny/1.0.10")
    shutil.copytree(data_dir / "tiny/1.0.0", data_dir / "tiny/1.0.9")
    again = tfds.ready("tiny")
    assert first and again and again.where == data_dir / "tiny/1.0.10" and first.key == again.key
    (again.where / "features.json").write_text("{}")
    changed = tfds.ready("tiny")
    assert changed and changed.key != first.key


def test_files_that_are_no_array_records_are_not_taken(data_dir):
    info = data_dir / "tiny/1.0.0/dataset_info.json"
    info.write_text(json.dumps({**json.loads(info.read_text()), "fileFormat": "tfrecord"}))
    assert tfds.ready("tiny") is None
    with pytest.raises(DataAbsent, match="as tfrecord; expected array_record. .* tfds convert_format --dataset"):
        tfds.load("tiny")()
    info.write_text("{")
    assert tfds.ready("tiny") is None and tfds.ready("none") is None


def test_a_format_that_was_added_is_read(data_dir):
    """As `tfds convert_format` adds one to a prepared set."""
    before = tfds.load("tiny")()
    info = data_dir / "tiny/1.0.0/dataset_info.json"
    about = {**json.loads(info.read_text()), "fileFormat": "tfrecord", "alternativeFileFormats": ["array_record"]}
    info.write_text(json.dumps(about))
    assert np.array_equal(tfds.load("tiny")().train.x, before.train.x)


@pytest.mark.parametrize("how", ["cut", "empty"])
def test_a_damaged_set_is_named_and_leaves_nothing(data_dir, how):
    (records,) = (data_dir / "tiny/1.0.0").glob("tiny-test.array_record*")
    records.write_bytes({"cut": records.read_bytes()[:-40], "empty": b""}[how])
    with pytest.raises(DataError, match=re.escape(f"The set 'tiny' of TFDS in {data_dir}/tiny/1.0.0 cannot be read")):
        tfds.load("tiny")()
    assert state(tfds.load("tiny")).kind == "prepared"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("no_train", "has the splits test; expected 'train'"),
        ("boxes", "has as image: nothing; expected one"),
        ("../tiny", "expected 'name', 'name/config' or 'name/config:version'"),
        ("", "expected 'name'"),
    ],
)
def test_a_set_that_does_not_fit_is_told(data_dir, name, message):
    with pytest.raises(DataError, match=re.escape(message)):
        tfds.load(name)()


@pytest.mark.parametrize("cause", [ModuleNotFoundError("No module named 'tensorflow'"), OSError("host\nunreachable")])
def test_what_cannot_be_prepared_is_absent_with_the_remedy(data_dir, monkeypatch, cause):
    class Broken:
        @staticmethod
        def builder(*_, **__):
            raise cause

    monkeypatch.setattr(tfds, "_tfds", lambda: Broken)
    with pytest.raises(
        DataAbsent, match=f"^TFDS could not prepare 'far' in .*It says: {type(cause).__name__}: "
    ) as error:
        tfds.load("far")()
    remedy = "pip install 'tlx[prepare]' && tlx data prepare 'tfds:far'"
    assert (remedy in str(error.value)) == isinstance(cause, ImportError) and "\n" not in str(error.value)


def test_a_name_that_tfds_does_not_know_is_absent(data_dir):
    with pytest.raises(
        DataAbsent, match="could not prepare 'no_such_set' .* It says: DatasetNotFoundError: Dataset no_su"
    ):
        tfds.load("no_such_set")()


def test_a_prepared_set_is_the_same_as_the_publishers_files(data_dir, tmp_path):
    """The same images by either way, in whatever order: the same rows under the same names."""
    ready = tfds.ready("tiny", "tiny")
    assert ready is not None
    by_tfds = ready.build()
    random, rows = np.random.default_rng(30), range(30)
    x = np.stack([random.integers(0, 256, (6, 6, 1), np.uint8) for _ in rows])
    by_files = tfds.by_content("tiny", "train", x, np.arange(30) % 3)
    assert all(np.array_equal(*parts) for parts in zip(by_tfds.train, by_files, strict=True))


@pytest.mark.slow
@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "shape", "hash"),
    [
        ("mnist", (60000, 28, 28, 1), "d9f803cb71d218ab2908817d137f42304fa5dd0c325a5a5169fd2d7e064644a1"),
    ],
)
def test_real_sets(name, shape, hash):
    if "TLX_TEST_DATA" not in os.environ:
        pytest.skip("TLX_TEST_DATA is not set")
    from tlx.store import cache

    found = mnist.mnist()
    assert found.train.x.shape == shape and cache.meta(mnist.mnist.place)["hash"] == hash
    assert np.bincount(found.test.y).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    code = (
        "import sys, tracemalloc; from tlx_datasets.mnist import mnist; tracemalloc.start(); mnist()\n"
        "loaded = {'tensorflow', 'tensorflow_datasets', 'jax', 'PIL', 'scipy'} & set(sys.modules)\n"
        "print(sorted(loaded), tracemalloc.get_traced_memory()[1] < 47_040_000)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "[] True\n", done.stderr


def test_no_set_is_transposed_but_emnist(monkeypatch):
    seen = {}
    monkeypatch.setattr(tfds, "ready", lambda name, as_name, upright=True: seen.setdefault(name, (as_name, upright)))
    for prepared in (mnist.mnist, emnist_digits.emnist_digits):
        prepared.ready()
    assert seen == {"mnist": ("mnist", True), "emnist/digits": ("emnist_digits", False)}
