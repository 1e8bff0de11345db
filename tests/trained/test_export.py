"""The exported program runs in a process without tlx, on any number of rows, and agrees with `predict`."""

import re

import numpy as np
import pytest

import tlx
from tlx.data import from_arrays
from tlx.errors import ResultError, SettingError

pytest.importorskip("flatbuffers")


def test_it_runs_alone_and_agrees(real_lab, saved, test_rows, tmp_path, run_alone):
    model = real_lab.load(saved[1])
    path = model.export(tmp_path / "kl.jaxexport")
    out, about = run_alone(path, test_rows.x)
    np.testing.assert_allclose(out["probabilities"], model.predict_proba(test_rows.x), atol=1e-5)
    np.testing.assert_allclose(out["features"], model.features(test_rows.x), atol=1e-5)
    assert about["classes"] == ["left", "middle", "right"] and about["platforms"] == ["cpu", "cuda", "tpu"]
    assert about["input"]["x"] == ["uint8", 8, 8, 1] and about["outputs"]["logits"] == ["rows", 3]
    assert (about["model"]["spec"]["strategy"], about["model"]["selection"]) == ("kl", "source-val")
    assert about["preprocessing"]["mean"] == 0.5 and about["run"].startswith("jax.export.deserialize")


def test_it_needs_a_place_and_flatbuffers(real_lab, saved, tmp_path, monkeypatch):
    model = real_lab.load(saved[1])
    (tmp_path / "file").write_text("")
    with pytest.raises(ResultError, match="cannot be written to"):
        model.export(tmp_path / "file" / "x")
    monkeypatch.setattr("tlx.trained.export.find_spec", lambda name: None)
    with pytest.raises(SettingError, match=r"pip install 'tlx\[export\]'"):
        model.export(tmp_path / "x")


@pytest.mark.slow
def test_convolutions_are_by_operations_of_jax_alone(tmp_path, run_alone):
    """Kernels of tlx's own are no part of it."""
    import jax.export

    random = np.random.default_rng(0)
    pairs = [(random.integers(0, 255, (30, 28, 28, 1), np.uint8), np.arange(30) % 3) for _ in range(2)]
    datasets = [from_arrays(name, pair) for name, pair in zip(("one", "two"), pairs, strict=True)]
    lab = tlx.Lab(datasets=datasets, progress=False)
    result = lab.run("one->two", "source_only", backbone="lenet_bn", seeds=1, steps=4, save=tmp_path / "model")
    assert result.finished, result.traceback
    model = lab.load(tmp_path / "model")
    path = model.export(tmp_path / "program")
    text = jax.export.deserialize(bytearray(path.read_bytes())).mlir_module()
    assert set(re.findall(r"custom_call @(\w+)", text)) <= {"shape_assertion"} and "stablehlo.convolution" in text
    x = lab.registry.get("datasets", "two").test.x
    out, _ = run_alone(path, x)
    np.testing.assert_allclose(out["probabilities"], model.predict_proba(x), atol=1e-5)
