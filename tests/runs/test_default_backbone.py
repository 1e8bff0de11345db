import numpy as np
import pytest
from PIL import Image

import tlx
from tlx import Protocol, Suite, hookimpl
from tlx.data import Vector, from_arrays
from tlx.errors import SettingError
from tlx.plugins import Registry
from tlx.runs.resolve import Lookup, resolve, resolve_suite

GIVEN = {"recipe": "short", "seeds": 1}


class Nets:
    @hookimpl
    def tlx_backbones(self, register):
        for name in ("lenet", "resnet18", "resnet18_cifar", "mlp"):
            register(name, lambda in_shape, rngs: None)

    @hookimpl
    def tlx_protocols(self, register):
        for name, size, resize in (("P-full-off", None, None), ("P-28", 28, None), ("P-up", 28, 64)):
            register(name, Protocol(name, "", size, None, resize=resize))

    @hookimpl
    def tlx_datasets(self, register):
        from tlx_datasets.folder import load

        register("folder:", load)


@pytest.fixture
def nets(registry):
    registry.add(Nets(), "nets")
    return registry


def chosen(registry, task):
    [job] = resolve(Lookup(registry), task, "shift", **GIVEN)
    return job.spec.backbone


@pytest.fixture
def pair(tmp_path):
    for domain in "st":
        for kind in ("x", "y"):
            (tmp_path / domain / kind).mkdir(parents=True)
            for number in range(3):
                image = np.full((40, 40, 3), 40 * number + 9 * len(kind) + ord(domain), np.uint8)
                Image.fromarray(image).save(tmp_path / domain / kind / f"{number}.png")
    return lambda query="", at="": f"folder:{tmp_path / 's'}{query}->folder:{tmp_path / 't'}{query}{at}"


@pytest.mark.parametrize("task", ["a->b", "b->c@P-full-off", "a->b@P-28"])
def test_small_images_take_lenet(nets, task):
    assert chosen(nets, task) == "lenet"


def test_large_images_have_to_be_told_a_backbone_before_any_is_decoded(nets, pair, monkeypatch):
    """The trap: LeNet on 224x224, gigabytes and minutes for twenty steps."""
    monkeypatch.setattr("tlx_datasets.image_files.decode_image", None)
    words = "images of 224x224 pixels, and the default backbone, lenet, is for images of up to 32; .*one of resnet18\\."
    with pytest.raises(SettingError, match=words):
        chosen(nets, pair())
    with pytest.raises(SettingError, match="images of 64x64 pixels.*one of resnet18_cifar\\."):
        chosen(nets, pair("?size=64"))
    assert chosen(nets, pair("?size=32")) == chosen(nets, pair(at="@P-28")) == "lenet"
    [job] = resolve(Lookup(nets), pair(), "shift", backbone="resnet18", **GIVEN)
    assert job.spec.backbone == "resnet18"


def test_what_the_network_sees_counts(nets):
    with pytest.raises(SettingError, match="images of 64x64"):
        chosen(nets, "a->b@P-up")


def test_rows_that_are_no_images_have_to_be_told_one(nets):
    rng = np.random.default_rng(0)
    for name in ("u", "v"):
        x, y = rng.normal(size=(8, 5)).astype(np.float32), np.arange(8) % 2
        nets.add_dataset(from_arrays(name, (x, y), (x + 1, y), input=Vector()))
    with pytest.raises(SettingError, match="rows of the kind vector.*one of mlp\\."):
        chosen(nets, "u->v")


def test_a_suite_and_a_session_choose_alike(nets, pair, world):
    jobs = resolve_suite(Lookup(nets), Suite("s", ("a->b",), ("shift",), recipe="short"))
    assert [job.spec.backbone for job in jobs] == ["lenet"]
    lab = tlx.Lab(progress=False, registry=nets)
    assert lab.run("a->b", "shift", recipe="short", seeds=1).spec.backbone == "lenet"
    with pytest.raises(SettingError, match="backbone=NAME"):
        lab.run(pair(), "shift", recipe="short", seeds=1)


def test_data_that_are_not_here_are_said_by_the_run(nets, world):
    lab = tlx.Lab(progress=False, registry=nets)
    result = lab.run("folder:/no/such->folder:/nor/such", "shift", recipe="short", seeds=1)
    assert result.status == "absent" and result.spec.backbone == "lenet"


def test_every_suite_of_tlx_has_a_backbone():
    registry = Registry.load(environ={"TLX_PLUGINS": "suites"})
    assert all(registry.get("suites", entry.name).backbone for entry in registry.entries("suites"))
