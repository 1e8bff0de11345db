"""What is loaded is a whole model, of the code that is here; all else is refused by name."""

import json
import shutil

import numpy as np
import pytest
from safetensors.numpy import save_file

import tlx
from tlx.errors import SettingError, WeightsError
from tlx.plugins import Registry
from tlx.runs.store import Store
from tlx.trained import load as module
from tlx.weights import read


@pytest.fixture
def folder(saved, tmp_path):
    """A copy of the saved models, to be spoilt."""
    return shutil.copytree(saved[1], tmp_path / "copy")


def test_one_file_is_enough_wherever_it_lies(real_lab, folder, tmp_path, test_rows):
    moved = (folder / "seed-3.safetensors").rename(tmp_path / "best.safetensors")
    model = real_lab.load(moved)
    assert model.about.seed == 3 and len(model.predict(test_rows.x)) == 21
    with pytest.raises(WeightsError, match="best.safetensors is the model of seed 3; expected seed 0"):
        real_lab.load(moved, 0)


def test_the_same_run_writes_the_same_bytes(saved, train):
    _, again = train("kl", "source-val", bottleneck=0)
    for seed in (0, 3):
        name = f"seed-{seed}.safetensors"
        assert (again / name).read_bytes() == (saved[1] / name).read_bytes()


def test_folders_without_a_model(real_lab, saved, folder, tmp_path, monkeypatch):
    with pytest.raises(WeightsError, match="no model of seed 1; it has those of: 0, 3"):
        real_lab.load(folder, 1)
    with pytest.raises(WeightsError, match=r"no folder or file 'nowhere'; expected what tlx run \.\.\. --save DIR"):
        real_lab.load("nowhere")
    (empty := tmp_path / "empty").mkdir()
    with pytest.raises(WeightsError, match=r"empty holds no model \(no seed-N.safetensors\)"):
        real_lab.load(empty)
    with pytest.raises(WeightsError, match=r"Did you mean .*copy\?"):
        real_lab.load(tmp_path)
    with pytest.raises(SettingError, match="run is ''; expected the folder"):
        real_lab.load("")
    store = Store(tmp_path / "results")
    store.prepare()
    store.write(saved[0])
    with pytest.raises(
        WeightsError, match="results is a folder of results, .* no weights; .*: tlx run bars:dim.* kl .* --save DIR"
    ):
        real_lab.load(tmp_path / "results")


@pytest.mark.slow
def test_models_of_two_runs_in_one_folder(real_lab, folder, train):
    _, other = train("source_only", bottleneck=0)
    shutil.copy(other / "seed-0.safetensors", folder)
    with pytest.raises(WeightsError, match="holds models of 2 different runs"):
        real_lab.load(folder)


def flipped(file):
    content = bytearray(file.read_bytes())
    content[-100] ^= 1
    file.write_bytes(content)


def renamed(file):
    content = file.read_bytes()
    file.write_bytes(content.replace(b'\\"left\\"', b'\\"lift\\"'))


def foreign(file):
    save_file({"fc.weight": np.ones((2, 3), np.float32)}, file)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (flipped, "its digest is not that of its content"),
        (renamed, "its digest is not that of its content"),
        (lambda file: file.write_bytes(file.read_bytes()[:-50]), "cannot be read as safetensors; it may be cut short"),
        (lambda file: file.write_text("no"), "cannot be read as safetensors"),
        (foreign, "holds weights, and does not say of which model"),
        (lambda file: save_file({"x": np.ones(2)}, file, {"tlx": "{}"}), "what it says of itself is damaged"),
        (
            lambda file: save_file({"x": np.ones(2)}, file, {"tlx": json.dumps({"format": 9})}),
            "format 9; this tlx reads 1",
        ),
    ],
)
def test_damage_is_named(real_lab, folder, spoil, message):
    (folder / "seed-3.safetensors").unlink()
    spoil(folder / "seed-0.safetensors")
    with pytest.raises(WeightsError, match=f"seed-0.safetensors.*{message}"):
        real_lab.load(folder)


@pytest.mark.parametrize(
    ("part", "named"), [("strategy", "strategy 'kl'"), ("backbone", "backbone 'tiny_bn'"), ("engine", "tlx's engine")]
)
def test_other_code_is_refused_by_name(real_lab, saved, test_rows, part, named, monkeypatch, caplog):
    code_of = module.code_of
    monkeypatch.setattr(module, "code_of", lambda *those: {**code_of(*those), part: "other"})
    with pytest.raises(
        WeightsError, match=f"other code of {named} than is here .*--other-code .*allow_other_code=True"
    ):
        real_lab.load(saved[1])
    model = real_lab.load(saved[1], allow_other_code=True)
    assert len(model.predict(test_rows.x)) == 21 and f"other code of {named}" in caplog.text


def test_a_plugin_is_asked_for_and_never_run_for_a_file(saved, folder):
    lab = tlx.Lab(progress=False, registry=Registry.load([]))
    with pytest.raises(tlx.UnknownName, match="Unknown backbone 'tiny_bn'"):
        lab.load(saved[1])


def test_a_later_run_takes_backbone_and_classifier_and_says_what_it_leaves(saved, caplog):
    from tlx.engine.pretrained import stack_weights
    from tlx.engine.train import model_spec
    from tlx.testing.tiny import TinyBN, tiny_recipe, tiny_task

    tensors = read(saved[1])
    assert {"fc/kernel", "bn/mean", "head/kernel", "state/params/encoder/layers/0/kernel"} <= set(tensors)
    stacked = stack_weights(model_spec(TinyBN, tiny_task(), tiny_recipe()), [tensors])
    assert not [name for name in stacked if name.startswith("state/")]
    assert "backbone and classifier are taken; these of the strategy are not: encoder" in caplog.text
