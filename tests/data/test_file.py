"""Whatever lies under a file's name is read as it is, or named; nothing waits, and nothing grows without an end."""

import io
import os
import zipfile

import numpy as np
import pytest

from tlx.data.file import read_npz, regular_bytes


def archive(*members, compression=zipfile.ZIP_STORED):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", compression) as file:
        for name, data in members:
            file.writestr(name, data)
    return content.getvalue()


def header(shape, dtype="<f8"):
    content = io.BytesIO()
    np.lib.format.write_array_header_1_0(content, {"shape": shape, "fortran_order": False, "descr": dtype})
    return content.getvalue()


def test_only_a_regular_file_is_read(tmp_path):
    (tmp_path / "plain").write_bytes(b"abc")
    (tmp_path / "link").symlink_to(tmp_path / "plain")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "device").symlink_to("/dev/zero")
    assert regular_bytes(tmp_path / "plain") == regular_bytes(tmp_path / "link") == b"abc"
    for name in ("pipe", "device"):
        with pytest.raises(ValueError, match="it is no regular file"):
            regular_bytes(tmp_path / name)
    with pytest.raises(FileNotFoundError):
        regular_bytes(tmp_path / "nothing")


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_arrays_come_back(save):
    content, arrays = io.BytesIO(), {"x": np.arange(6.0).reshape(2, 3), "none": np.zeros((0, 4)), "one": np.int8(3)}
    save(content, **arrays)
    found = read_npz(content.getvalue())
    assert found.keys() == arrays.keys() and all(np.array_equal(found[name], arrays[name]) for name in arrays)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no .npz archive"),
        (b"PK\x03\x04 and no more", "no .npz archive"),
        (archive(("x.npy", header((10**9,)))), r"x\.npy claims 8000000000 bytes and has \d+"),
        (archive(("x.npy", header((2**62, 2**62)))), "claims"),
        (archive(("x.npy", b"text")), "no .npz archive"),
        (archive(("x.npy", header((1,), "|O") + b"\x80\x04.")), "no .npz archive"),
    ],
)
def test_damage_is_named(content, message):
    with pytest.raises(ValueError, match=message):
        read_npz(content)
