"""SynDigits from files in SVHN's format, which lie there by hand."""

import numpy as np
import pytest
from scipy.io import savemat

from tlx import DataAbsent, DataError
from tlx_datasets import syn_digits


def write(folder, rows: int = 20) -> dict[str, np.ndarray]:
    held = {}
    for split, name in syn_digits.MEMBERS.items():
        x = np.random.default_rng(len(split)).integers(0, 256, (rows, 32, 32, 3), np.uint8)
        savemat(folder / name, {"X": np.moveaxis(x, 0, 3), "y": (np.arange(rows) % 10 + 1)[:, None].astype(np.uint8)})
        held[split] = x
    return held


def test_rows_and_labels(tmp_path):
    held = write(tmp_path)
    data = syn_digits.build(tmp_path)
    assert np.array_equal(data.train.x, held["train"]) and np.array_equal(data.test.x, held["test"])
    assert data.train.y.tolist() == [(row + 1) % 10 for row in range(20)] and data.name == "syn_digits"


def test_absent_files_are_asked_for_by_hand(tmp_path, monkeypatch):
    monkeypatch.setenv("TLX_DATA_DIR", str(tmp_path))
    with pytest.raises(
        DataAbsent, match=r"synth_train_32x32\.mat and .* By hand: unpack SynthDigits\.zip.*font_digits"
    ):
        syn_digits.syn_digits()
    syn_digits.syn_digits.folder.mkdir(parents=True)
    write(syn_digits.syn_digits.folder)
    assert len(syn_digits.syn_digits().train.y) == 20


@pytest.mark.parametrize("content", [b"", b"no mat file", None])
def test_a_damaged_file_is_named(content, tmp_path):
    write(tmp_path)
    path = tmp_path / syn_digits.MEMBERS["test"]
    path.write_bytes(path.read_bytes()[:1000] if content is None else content)
    with pytest.raises(DataError, match=r"synth_test_32x32\.mat: not a whole \.mat file"):
        syn_digits.build(tmp_path)


def test_another_mat_file_is_named(tmp_path):
    write(tmp_path)
    savemat(tmp_path / syn_digits.MEMBERS["train"], {"Z": np.zeros(3)})
    with pytest.raises(DataError, match=r"synth_train_32x32\.mat: not a whole"):
        syn_digits.build(tmp_path)
