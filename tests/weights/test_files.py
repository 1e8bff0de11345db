"""Files that are whole, cut short, hostile, or of no known format."""

import os
import pickle

import jax.numpy as jnp
import numpy as np
import orbax.checkpoint as ocp
import pytest

from tlx.errors import SettingError, WeightsError
from tlx.weights import digest, read
from tlx.weights.save import save
from tlx.weights.source import read_for


def same(got, wanted):
    assert got.keys() == wanted.keys()
    for name, tensor in wanted.items():
        np.testing.assert_array_equal(got[name], tensor)


def test_safetensors(file, tensors):
    same(read(file), tensors)


def test_half_a_file(file):
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    with pytest.raises(WeightsError, match="net.safetensors cannot be read as safetensors; it may be cut short"):
        read(file)


def test_no_file_and_no_format(tmp_path):
    with pytest.raises(WeightsError, match="'nowhere.safetensors': there is no such file or folder; expected .safet"):
        read("nowhere.safetensors")
    (tmp_path / "net.onnx").write_bytes(b"x")
    with pytest.raises(WeightsError, match="net.onnx is of no format that is read"):
        read(tmp_path / "net.onnx")


def test_an_unreadable_file(file, monkeypatch):
    def refuse(self):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.read_bytes", refuse)  # root may read anything
    with pytest.raises(WeightsError, match="net.safetensors cannot be read as safetensors.*Permission denied"):
        read(file)


def test_a_folder_that_a_run_saved(tmp_path, tensors):
    about = "{}"
    save(tmp_path, 0, tensors, about)
    same(read(tmp_path, seed=5), tensors)  # the only one
    save(tmp_path, 2, {**tensors, "bn1.bias": tensors["bn1.bias"] + 1}, about)
    zero, two = read_for(tmp_path, (0, 2))
    assert (two["bn1.bias"] - zero["bn1.bias"] == 1).all()
    with pytest.raises(WeightsError, match=r"no seed-1.safetensors; it has: seed-0.safetensors, seed-2.safetensors"):
        read_for(tmp_path, (0, 1))
    assert not list(tmp_path.glob(".*"))


def test_the_digest_is_of_the_content(tmp_path, file, tensors):
    copy = tmp_path / "other.safetensors"
    copy.write_bytes(file.read_bytes())
    assert digest(file) == digest(copy)
    save(tmp_path / "run", 0, tensors, "")
    before = digest(tmp_path / "run")
    save(tmp_path / "run", 0, {**tensors, "bn1.bias": tensors["bn1.bias"] + 1}, "")
    assert digest(tmp_path / "run") != before


def test_orbax(tmp_path):
    tree = {"stages": [{"kernel": jnp.ones((2, 3))}], "bn": {"mean": jnp.arange(3.0)}}
    with ocp.PyTreeCheckpointer() as writer:
        writer.save(tmp_path / "checkpoint", tree)
    same(read(tmp_path / "checkpoint"), {"stages/0/kernel": np.ones((2, 3)), "bn/mean": np.arange(3.0)})


def test_a_folder_of_something_else(tmp_path):
    with pytest.raises(WeightsError, match="cannot be read as an orbax checkpoint"):
        read(tmp_path)


class Hostile:
    """Pickled, it makes a folder when it is loaded."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


def test_pickled_code_is_not_run(tmp_path):
    pytest.importorskip("torch")
    path, made = tmp_path / "net.pth", tmp_path / "made"
    path.write_bytes(pickle.dumps({"conv1.weight": Hostile(made)}, protocol=2))
    with pytest.raises(WeightsError, match="net.pth cannot be read, or holds more than tensors"):
        read(path)
    assert not made.exists()
    pickle.loads(path.read_bytes())  # it would have
    assert made.exists()


def test_a_state_dict_of_pytorch(tmp_path, tensors):
    torch = pytest.importorskip("torch")
    state = {f"module.{name}": torch.from_numpy(tensor) for name, tensor in tensors.items()}
    torch.save({"state_dict": state, "epoch": 3}, tmp_path / "net.pth")
    same(read(tmp_path / "net.pth"), tensors)
    (tmp_path / "half.pth").write_bytes((tmp_path / "net.pth").read_bytes()[:500])
    with pytest.raises(WeightsError, match="half.pth cannot be read"):
        read(tmp_path / "half.pth")


def test_without_pytorch_it_is_asked_for(tmp_path, monkeypatch):
    (tmp_path / "net.pth").write_bytes(b"x")
    monkeypatch.setitem(__import__("sys").modules, "torch", None)
    with pytest.raises(SettingError, match="net.pth is PyTorch's format, which needs PyTorch"):
        read(tmp_path / "net.pth")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes")
@pytest.mark.parametrize("make", [os.mkfifo, lambda path: os.symlink("/dev/zero", path)])
@pytest.mark.parametrize("use", [read, digest])
def test_what_is_no_regular_file_is_not_opened(tmp_path, make, use):
    make(tmp_path / "w.safetensors")
    with pytest.raises(WeightsError, match=r"w\.safetensors is no regular file; expected a file or a folder"):
        use(tmp_path / "w.safetensors")
