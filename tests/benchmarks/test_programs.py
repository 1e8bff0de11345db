"""The commands of benchmarks/README.md, each in a reduced form: small images, few steps, weights made by the test."""

import re
import shlex
from pathlib import Path

import jax
import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import save_file

from tlx.engine.model import ModelSpec, Shapes, make_model
from tlx.engine.pretrained import weights_of
from tlx.plugins import Registry

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "benchmarks/README.md").read_text()
COMMANDS = [shlex.split(line)[1:] for line in re.findall(r"^tlx run .*$", TEXT, re.MULTILINE)]
PLUGIN = """
from dataclasses import replace
from tlx import Protocol, hookimpl
from tlx_suites import transfer_recipes
from tlx_suites.recipes import SMOKE

@hookimpl
def tlx_protocols(register):
    register("P-small", Protocol("P-small", "32x32 RGB", 32, 3))

@hookimpl
def tlx_recipes(register):
    small = {"batch": 4, "steps": 2, "rounds": 1}
    register("small-vgg", replace(transfer_recipes.VGG16, name="small-vgg", **small))
    register("small-resnet", replace(transfer_recipes.RESNET18, name="small-resnet", **small))
    register("small", replace(SMOKE, name="small", bottleneck=0, steps=4))
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Two folders of photographs of three colours, the plugin, and random weights of the two large nets."""
    folder = tmp_path_factory.mktemp("programs")
    random = np.random.default_rng(0)
    for domain in ("a", "b"):
        for label, name in enumerate(("red", "green", "blue")):
            for row in range(5):
                pixels = random.integers(0, 80, (32, 32, 3), np.uint8)
                pixels[..., label] += 150
                path = folder / domain / name / f"{row}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(pixels).save(path)
    (folder / "small.py").write_text(PLUGIN)
    return folder


def weights(place: Path, backbone: str, classes: int) -> str:
    kind = Registry.load(environ={"TLX_PLUGINS": "backbones"}).get("backbones", backbone)
    spec = ModelSpec(kind, Shapes.of(np.zeros((1, 32, 32, 3), np.uint8)), classes, classes)
    state = jax.jit(make_model(spec).init)(jax.random.key(7))
    file = place / f"{backbone}.safetensors"
    save_file({path: np.ascontiguousarray(leaf) for path, leaf in weights_of(spec, state).items()}, file)
    return str(file)


def reduced(place: Path, command: list[str]) -> list[str]:
    """The command on small data: what it says of strategy, backbone and settings stays as it is."""
    a, b = (f"folder:{place / name}?size=32" for name in "ab")
    recipe, out = "small", list(command)
    if "vgg16_dense1024" in command:
        recipe, out[1] = "small-vgg", f"{b}@P-small"
    elif "resnet18" in command:
        recipe, out[1] = "small-resnet", f"{b}@P-small"
    elif out[1] == "mnist":
        out[1] = f"{a}@P-small"
    else:
        out[1] = f"{a}->{b}@P-small"
    for option, value in (("--weights", None), ("--save", str(place / "mlp"))):
        if option in out:
            at = out.index(option) + 1
            if value is None:
                name = out[out.index("--backbone") + 1]
                # five classes: another head, which begins anew
                value = str(place / "mlp/seed-0.safetensors") if name == "mlp" else weights(place, name, 5)
            out[at] = value
    if "--recipe" in out:
        out[out.index("--recipe") + 1] = recipe
    else:
        out += ["--recipe", recipe]
    return [*out, *([] if "--seeds" in out else ["--seeds", "1"]), "--plugin", str(place / "small.py")]


def test_there_are_five_programs():
    wanted = ["cnn", "mlp", "mlp", "vgg16_dense1024", "resnet18", "lenet"]
    assert [command[command.index("--backbone") + 1] for command in COMMANDS] == wanted


@pytest.mark.slow
@pytest.mark.parametrize("number", range(6))
def test_a_program_runs(number, place, tlx_command):
    """In order: the third begins with what the second saved."""
    code, out, err = tlx_command(*reduced(place, COMMANDS[number]))
    assert code == 0, err
    assert COMMANDS[number][2] in out


def test_every_command_names_what_is_there():
    registry = Registry.load(environ={})
    for command in COMMANDS:
        registry.entry("strategies", command[2])
        registry.get("tasks", command[1]) if "folder:" not in command[1] else None
        for option, kind in (("--backbone", "backbones"), ("--recipe", "recipes")):
            if option in command:
                registry.entry(kind, command[command.index(option) + 1])
