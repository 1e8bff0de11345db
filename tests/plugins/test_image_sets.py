"""The files as publishers offer them, written here byte by byte and read back; and what is told of damaged ones."""

import gzip
import io
import re
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from tlx.data import Arrays, Dataset
from tlx.errors import DataError
from tlx.plugins import Registry
from tlx.store import Prepared
from tlx_datasets import cifar10, cifar100, emnist_digits, fashion_mnist, idx, kmnist, mnist, stl10, svhn_cropped
from tlx_datasets.rows import by_content

MODULES = (cifar10, cifar100, emnist_digits, fashion_mnist, kmnist, mnist, stl10, svhn_cropped)
SETS = {module.__name__.rpartition(".")[2]: module for module in MODULES}
SIZE = {"cifar10": (32, 3), "cifar100": (32, 3), "svhn_cropped": (32, 3), "stl10": (96, 3)}
COUNT = {"train": 23, "test": 11}


def images(name: str, split: str) -> tuple[np.ndarray, np.ndarray]:
    side, channels = SIZE.get(name, (28, 1))
    random = np.random.default_rng(COUNT[split])
    x = random.integers(0, 256, (COUNT[split], side, side, channels), np.uint8)
    return x, np.arange(COUNT[split]) % (100 if name == "cifar100" else 10)


def header(*shape: int) -> bytes:
    return bytes([0, 0, 8, len(shape)]) + b"".join(length.to_bytes(4, "big") for length in shape)


def idx_files(name: str) -> dict[str, bytes]:
    files = {}
    for split, start in (("train", "train"), ("test", "t10k")):
        x, y = images(name, split)
        files[f"{start}-images-idx3-ubyte.gz"] = gzip.compress(header(*x.shape[:3]) + x.tobytes())
        files[f"{start}-labels-idx1-ubyte.gz"] = gzip.compress(header(len(y)) + bytes(y.tolist()))
    return files


def emnist_files(name: str) -> dict[str, bytes]:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as opened:
        for split in COUNT:
            x, y = images(name, split)
            turned = np.stack([image[..., 0].T for image in x])
            start = f"gzip/emnist-digits-{split}"
            opened.writestr(f"{start}-images-idx3-ubyte.gz", gzip.compress(header(*turned.shape) + turned.tobytes()))
            opened.writestr(f"{start}-labels-idx1-ubyte.gz", gzip.compress(header(len(y)) + bytes(y.tolist())))
    return {"gzip.zip": archive.getvalue()}


def tar(members: dict[str, bytes]) -> bytes:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as opened:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            opened.addfile(info, io.BytesIO(data))
    return archive.getvalue()


def cifar_files(name: str) -> dict[str, bytes]:
    def records(split: str, rows: slice = slice(None)) -> bytes:
        before = b"\7" if name == "cifar100" else b""  # the coarse label
        x, y = images(name, split)
        return b"".join(
            before + bytes([label]) + b"".join(image[..., channel].tobytes() for channel in range(3))
            for image, label in zip(x[rows], y[rows].tolist(), strict=True)
        )

    if name == "cifar100":
        names = "".join(f"class_{label}\n" for label in range(100)).encode()
        members = {"fine_label_names.txt": names + b"\n", "train.bin": records("train"), "test.bin": records("test")}
        return {"cifar-100-binary.tar.gz": tar({f"cifar-100-binary/{key}": data for key, data in members.items()})}
    members = {f"data_batch_{part + 1}.bin": records("train", slice(part, None, 5)) for part in range(5)}
    members |= {"readme.html": b"", "test_batch.bin": records("test")}
    return {"cifar-10-binary.tar.gz": tar({f"cifar-10-batches-bin/{key}": data for key, data in members.items()})}


def svhn_files(name: str) -> dict[str, bytes]:
    files = {}
    for split in COUNT:
        x, y = images(name, split)
        held = io.BytesIO()
        savemat(held, {"X": np.stack(list(x), axis=-1), "y": np.where(y == 0, 10, y)[:, None].astype(np.uint8)})
        files[f"{split}_32x32.mat"] = held.getvalue()
    return files


def stl_files(name: str) -> dict[str, bytes]:
    members = {"stl10_binary/class_names.txt": b"airplane\n"}
    for split in COUNT:
        x, y = images(name, split)
        columns = [image[:, column, channel].tobytes() for image in x for channel in range(3) for column in range(96)]
        members |= {
            f"stl10_binary/{split}_X.bin": b"".join(columns),
            f"stl10_binary/{split}_y.bin": bytes((y + 1).tolist()),
        }
    return {"stl10_binary.tar.gz": tar(members)}


WRITERS: dict[str, Callable[[str], dict[str, bytes]]] = {
    "cifar10": cifar_files, "cifar100": cifar_files, "emnist_digits": emnist_files, "fashion_mnist": idx_files,
    "kmnist": idx_files, "mnist": idx_files, "stl10": stl_files, "svhn_cropped": svhn_files,
}  # fmt: skip


def write(name: str, folder: Path) -> list[Path]:
    paths = []
    for file, data in WRITERS[name](name).items():
        paths.append(folder / file)
        paths[-1].write_bytes(data)
    return paths


def pairs(x: np.ndarray, y: np.ndarray) -> list[tuple[bytes, int]]:
    return sorted((image.tobytes(), int(label)) for image, label in zip(x, y, strict=True))


@pytest.mark.parametrize("name", SETS)
def test_every_image_comes_back_with_its_label(tmp_path, name):
    assert {path.name for path in write(name, tmp_path)} == {file.name for file in SETS[name].FILES}
    found: Dataset = SETS[name].build(tmp_path)
    assert found.name == name and len(found.classes) == (100 if name == "cifar100" else 10)
    for split in COUNT:
        part: Arrays = getattr(found, split)
        assert pairs(part.x, part.y) == pairs(*images(name, split))
        assert part.origin.tolist() == [f"{name}/{split}/{place:05d}" for place in range(COUNT[split])]


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("how", ["cut", "empty", "other"])
def test_a_damaged_file_is_named(tmp_path, name, how):
    path = write(name, tmp_path)[0]
    data = path.read_bytes()
    path.write_bytes({"cut": data[: len(data) // 2], "empty": b"", "other": b"<html>404</html>" * 100}[how])
    with pytest.raises(DataError, match=re.escape(str(path))):
        SETS[name].build(tmp_path)


@pytest.mark.parametrize("name", ["cifar10", "kmnist"])
def test_labels_out_of_range_are_refused(tmp_path, name, monkeypatch):
    made = images
    monkeypatch.setitem(globals(), "images", lambda *which: (made(*which)[0], made(*which)[1] + 1))
    write(name, tmp_path)
    with pytest.raises(DataError, match=f"'{name}', train: labels are 1 to 10; expected 0 to 9"):
        SETS[name].build(tmp_path)


@pytest.mark.parametrize("label", [0, 11])
def test_labels_out_of_range_are_refused_where_the_file_counts_from_one(tmp_path, label, monkeypatch):
    made = images
    monkeypatch.setitem(globals(), "images", lambda *which: (made(*which)[0], made(*which)[1] * 0 + label - 1))
    write("stl10", tmp_path)
    with pytest.raises(
        DataError, match=f"stl10_binary.tar.gz: stl10_binary/train_y.bin: 23 labels, {label} to {label}"
    ):
        SETS["stl10"].build(tmp_path)
    savemat(tmp_path / "train_32x32.mat", {"X": np.zeros((32, 32, 3, 2), np.uint8), "y": np.full((2, 1), label)})
    with pytest.raises(DataError, match=f"train_32x32.mat: .* labels {label} to {label}; expected .* 1 to 10"):
        SETS["svhn_cropped"].build(tmp_path)


def test_an_archive_without_a_member_says_which(tmp_path):
    (tmp_path / "cifar-10-binary.tar.gz").write_bytes(tar({"else": b"x"}))
    with pytest.raises(DataError, match="it has no cifar-10-batches-bin/data_batch_1.bin, "):
        cifar10.build(tmp_path)


@pytest.mark.parametrize("data", [header(2, 28, 28) + bytes(100), header(2), b"", header(2, 28, 28)[:9]])
def test_idx_of_another_shape_or_kind_is_refused(data):
    with pytest.raises(DataError, match="here: .*expected"):
        idx.decode(data, idx.IMAGES, "here")


def test_the_order_is_by_content_whatever_the_file_has():
    x, y = images("mnist", "train")
    shuffled = np.random.default_rng(1).permutation(len(y))
    first, again = by_content("a", "train", x, y), by_content("a", "train", x[shuffled], y[shuffled])
    assert all(np.array_equal(*parts) for parts in zip(first, again, strict=True))
    assert not np.array_equal(first.x, x) and first.x.flags.c_contiguous


def test_all_are_registered_and_know_their_files():
    registry = Registry.load(environ={"TLX_PLUGINS": "datasets"})
    for name in SETS:
        found = registry.entry("datasets", name).source()
        assert isinstance(found, Prepared) and found.name == name
        assert found.source and found.licence and found.files == SETS[name].FILES
        for file in found.files:
            assert re.fullmatch("[0-9a-f]{64}", file.sha256) and file.size
            assert file.urls and all(re.match("https?://", url) for url in file.urls)
    assert len({file.sha256 for module in MODULES for file in module.FILES}) == sum(len(m.FILES) for m in MODULES)


@pytest.mark.parametrize("name", SETS)
def test_hashes_are_those_that_tfds_publishes(name):
    folder = Path(pytest.importorskip("tensorflow_datasets").__file__).parent
    texts = [path.read_text() for path in folder.glob("url_checksums/*.txt")]
    texts += [path.read_text() for path in folder.glob("datasets/*/checksums.tsv")]
    known = {tuple(line.split("\t")[:3]) for text in texts for line in text.splitlines() if "\t" in line}
    assert all((file.urls[0], str(file.size), file.sha256) in known for file in SETS[name].FILES)
