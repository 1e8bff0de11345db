"""The example is a plugin from outside: built, installed into a folder, and used from there."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def tlx(tmp_path_factory):
    """Runs `tlx` in a process that finds the installed example."""
    folder = tmp_path_factory.mktemp("example")
    shutil.copytree(ROOT / "plugins/tlx_example", folder / "source")
    command = [sys.executable, "-m", "pip", "install", "--no-deps", "--no-build-isolation", "--no-index", "--quiet"]
    done = subprocess.run([*command, "--target", folder / "target", folder / "source"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    path = os.pathsep.join([str(folder / "target"), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    environ = {**os.environ, "PYTHONPATH": path, "JAX_PLATFORMS": "cpu"}
    environ.pop("TLX_PLUGINS", None)

    def call(*args: str) -> subprocess.CompletedProcess[str]:
        code = "from tlx.cli import main; main()"
        command = [sys.executable, "-c", code, *args]
        return subprocess.run(command, env=environ, cwd=folder, capture_output=True, text=True)

    return call


def test_list_shows_it(tlx):
    listed = {(item["kind"], item["name"]): item for item in json.loads(tlx("list", "--json").stdout)}
    mine = {key for key, item in listed.items() if item["plugin"] == "example"}
    assert mine == {
        ("strategies", "moments"), ("backbones", "tiny"), ("datasets", "stripes"), ("datasets", "waves"),
        ("tasks", "stripes->waves"),
    }  # fmt: skip
    assert listed["strategies", "moments"]["paper"] == "Zellinger et al. 2017"
    assert listed["strategies", "moments"]["summary"].startswith("Matches the central moments")
    assert ("selectors", "last") in listed


def test_plugins_shows_its_package(tlx):
    rows = {row["name"]: row for row in json.loads(tlx("plugins", "--json").stdout)}
    assert (rows["example"]["package"], rows["example"]["version"]) == ("tlx_example", "0.1.0")
    assert rows["example"]["problems"] == []


@pytest.mark.slow
def test_it_passes_its_checks(tlx):
    done = tlx("check", "example")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 checked, all as it should be" in done.stdout


@pytest.mark.slow
def test_it_runs(tlx):
    done = tlx("run", "stripes:waves", "moments", "--backbone", "tiny", "--steps", "20", "--seeds", "1")
    assert done.returncode == 0, done.stderr
    assert "stripes->waves" in done.stdout and "moments" in done.stdout


def test_strategy_is_short():
    assert len((ROOT / "plugins/tlx_example/tlx_example/moments.py").read_text().splitlines()) <= 60
