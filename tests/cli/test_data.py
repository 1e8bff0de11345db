"""`tlx data`: what is here, getting it, checking it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

PLUGIN = '''
"""Toys."""
import hashlib
import numpy as np
from tlx import hookimpl
from pathlib import Path
from tlx.data import Arrays, Dataset
from tlx.store import File, Prepared, Ready

def split(first):
    return Arrays(np.full((4, 2, 2, 1), 7, np.uint8), np.arange(4, dtype=np.int32) % 2,
                  np.array([f"toy/{row + first}" for row in range(4)]))

def build(folder, name="toy"):
    assert (folder / "raw.bin").read_bytes() == b"raw"
    return Dataset(name, split(0), split(10), ("a", "b"))

FILES = (File("raw.bin", hashlib.sha256(b"raw").hexdigest(), ("http://127.0.0.1:1/raw.bin",), 3),)
toy = Prepared("toy", build, FILES, source="Doe 2020", licence="CC0")

ready = Prepared("ready", build, ready=lambda: Ready("key", Path(__file__).parent, build))

def made():
    "Made of nothing."
    return Dataset("made", split(0), split(10), ("a", "b"))

def lab(rest):
    "A lab's own."
    return Prepared(f"lab:{rest}", lambda folder: build(folder, f"lab:{rest}"), FILES)

@hookimpl
def tlx_datasets(register):
    register("toy", "data_cli:toy")
    register("made", "data_cli:made")
    register("ready", "data_cli:ready")
    register("lab:", "data_cli:lab")
'''


@pytest.fixture(autouse=True)
def home(distribution, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    distribution("data_cli", {"data_cli": PLUGIN}, {"toys": "data_cli"})
    monkeypatch.setenv("TLX_DATA_DIR", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def given(tmp_path: Path) -> Path:
    (tmp_path / "given").mkdir()
    (tmp_path / "given/x").write_bytes(b"raw")
    return tmp_path / "given"


def states(tlx_command) -> dict[str, str]:
    code, out, _ = tlx_command("data", "list", "--json")
    assert code == 0
    return {row["name"]: row["state"] for row in json.loads(out)}


def test_list_tells_what_is_here(tlx_command, given, home):
    assert states(tlx_command) == {"lab:": "prefix", "made": "made", "ready": "prepared", "toy": "absent"}
    code, out, _ = tlx_command("data", "list")
    assert code == 0 and f"datasets (4) in {home}" in out
    assert "  lab:   prefix              A lab's own.\n" in out and "  toy    absent         3 B  Toys.\n" in out
    tlx_command("data", "prepare", "toy", "--from", str(given))
    assert states(tlx_command)["toy"] == "cached"


def test_prepare_takes_files_from_a_folder_and_goes_on_after_a_failure(tlx_command, given, home):
    code, out, err = tlx_command("data", "prepare", "toy", "made")
    assert code == 1 and "made: 4 train and 4 test rows, 2x2 grey, 2 classes\n" in out
    assert "Error: toy: The file raw.bin is not at" in err and "127.0.0.1:1/raw.bin: URLError" in err
    code, out, err = tlx_command("data", "prepare", "toy", "lab:a/b", "--from", str(given))
    assert code == 0 and "Error" not in err
    assert f"toy: 4 train and 4 test rows, 2x2 grey, 2 classes, in {home}/cache/toy-" in out
    assert f"lab:a/b: 4 train and 4 test rows, 2x2 grey, 2 classes, in {home}/cache/lab-a-b-" in out


def test_info_tells_source_files_and_hash(tlx_command, given):
    _, out, _ = tlx_command("data", "info", "toy")
    for told in ("absent 3 B", "Doe 2020", "CC0", "raw.bin 3 B (not here) sha256 ", "  http://127.0.0.1:1/raw.bin\n"):
        assert told in out
    tlx_command("data", "prepare", "toy", "--from", str(given))
    _, out, _ = tlx_command("data", "info", "toy")
    for told in ("cached", "raw.bin 3 B (here) sha256 ", "  classes   a 2 + 2, b 2 + 2\n", "  hash      "):
        assert told in out
    assert tlx_command("data", "info", "made")[0] == 0


def test_verify_names_what_is_damaged(tlx_command, given, home):
    unchecked = "ready: prepared by TFDS and not cached yet; nothing was checked\n"
    assert tlx_command("data", "verify") == (0, unchecked, "")
    assert tlx_command("data", "verify", "toy", "made")[1] == "toy: absent\nmade: made from no files of its own\n"
    tlx_command("data", "prepare", "toy", "--from", str(given))
    assert tlx_command("data", "verify") == (0, f"{unchecked}toy: sound\n", "")
    (path,) = (home / "cache").glob("toy-*/train_x.npy")
    path.write_bytes(path.read_bytes()[:-1] + b"\0")
    code, out, _ = tlx_command("data", "verify")
    assert code == 1 and out.startswith(f"{unchecked}toy: damaged\n  {path}: SHA-256 is ")


@pytest.mark.parametrize("part", ["info", "prepare", "verify"])
def test_unknown_names_and_bare_prefixes_are_told(tlx_command, part):
    code, _, err = tlx_command("data", part, "toi")
    assert code == 1 and err == "Error: Unknown dataset 'toi'. Did you mean toy?\n"
    code, _, err = tlx_command("data", part, "lab:")
    assert code == 1 and "The dataset name 'lab:' is a prefix; expected more after it. A lab's own." in err


def test_a_folder_that_does_not_exist_is_misuse(tlx_command):
    assert tlx_command("data", "prepare", "toy", "--from", "none")[0] == 2


def test_check_leaves_out_what_is_not_here(tlx_command):
    code, out, _ = tlx_command("check", "toy")
    assert code == 0 and "dataset 'toy': not on this machine, so not checked. To get it: tlx data prepare toy" in out


def test_list_of_the_built_in_imports_nothing_heavy(monkeypatch):
    monkeypatch.setenv("TLX_PLUGINS", "datasets")
    code = (
        "import sys\nfrom tlx.cli import main\ntry: main(['data', 'list'])\nexcept SystemExit: pass\n"
        "print(sorted({'jax', 'flax', 'PIL', 'scipy', 'tensorflow_datasets', 'requests', 'rich'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "  stl10 " in done.stdout and done.stdout.endswith("[]\n"), done.stdout + done.stderr
