"""SIGTERM, as clusters send it: claims are released, what is saved stays, and the message says how to go on.

The cells are made up (benchmarks/torture): four rounds, each saved. All else is the command line, in a process.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tlx.runs import load_all

CELLS = Path(__file__).parents[2] / "benchmarks/torture/cells.py"
TLX = [sys.executable, "-c", "from tlx.cli import main; main()"]
RUN = ("run", "a:b", "one", "--backbone", "none", "--recipe", "tiny", "--seeds", "2")
LOCAL = ("--executor", "local", "--jobs", "2")
SECONDS = 2.0  # of a round: what has a carry when it is looked at is still under way when the signal comes
HANGS = 300  # seconds after which a command is taken to hang, also on a busy machine


def environment(folder, seconds):
    own = {"TLX_PLUGINS": "executors", "TORTURE_HOST": "here", "TORTURE_LEASE": "60"}
    return {**os.environ, **own, "TORTURE_NOTES": str(folder / "notes"), "TORTURE_SECONDS": str(seconds)}


def tlx(folder, *words):
    return subprocess.run([*TLX, *words], env=environment(folder, 0.01), capture_output=True, text=True, timeout=HANGS)


def terminated(folder, *words):
    """The exit code and stderr of a command that has SIGTERM once a carry is saved."""
    with subprocess.Popen(
        [*TLX, *words], env=environment(folder, SECONDS), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        until = time.monotonic() + HANGS
        while not list(folder.glob("out/.*/carry.npz")) and process.poll() is None and time.monotonic() < until:
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=HANGS)
    return process.returncode, err


def test_in_the_first_moments_it_leaves_no_traceback():
    code = "import os, signal\nfrom tlx.cli import main, info\n"
    code += "info.command.callback = lambda **_: os.kill(os.getpid(), signal.SIGTERM)\nmain(['info'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 143 and done.stderr.strip() == (
        "Ended by SIGTERM. Everything finished is in place. To go on: tlx info"
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    "words", [RUN, ("bench", "tiny"), ("bench", "tiny", *LOCAL), ("worker",), ("worker", *LOCAL)], ids=" ".join
)
def test_of_a_run_a_suite_and_a_worker(tmp_path, words):
    out, plugin = str(tmp_path / "out"), ["--plugin", str(CELLS)]
    if words[0] == "worker":
        assert tlx(tmp_path, "bench", "tiny", "--plan", "--out", out, *plugin).returncode == 0
        again = [words[0], out, *words[1:]]
    else:
        again = [*words, "--out", out, *plugin]
    code, err = terminated(tmp_path, *again)
    assert code == 143 and "Traceback" not in err, err
    assert f"Ended by SIGTERM. Everything finished is in place. To go on: tlx {' '.join(again)}\n" in err
    assert list(tmp_path.glob("out/.*/carry.npz")) and not list(tmp_path.glob("out/.*.claim"))
    assert all(result.finished for result in load_all(out)), "what was under way is no failed run"
    done = tlx(tmp_path, *again)
    assert done.returncode == 0, done.stderr
    assert [result.status for result in load_all(out)] == ["finished"] * (1 if words == RUN else 6)
    assert not [path.name for path in (tmp_path / "out").iterdir() if path.name.startswith(".")]
