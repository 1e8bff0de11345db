"""Ctrl-C: no traceback, the exit code 130, and what to go on by; at any moment, and where Python swallows it."""

import os
import signal
import subprocess
import sys
import time

import pytest

AT = """
import os, signal, sys
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Finder())
sys.argv = ["tlx", "list", "strategies"]
from tlx.cli import main
main()
"""
PLUGIN = """
import gc, weakref
import click
from tlx import hookimpl

class Thing:
    pass

def interrupt(*_):
    raise KeyboardInterrupt

@hookimpl
def tlx_commands(cli):
    @cli.command()
    def swallowed():
        "What JAX's callback of the garbage collector does to a Ctrl-C."
        gc.callbacks.append(lambda phase, info: interrupt() if phase == "start" and not done else None)
        done = []
        gc.collect()
        done.append(1)
        import time
        for _ in range(500):
            time.sleep(0.01)
        print("went on")
"""


def environment(**more):
    return {**os.environ, "TLX_PLUGINS": "", **more}


def tlx(code, *args):
    return subprocess.run(
        [sys.executable, "-c", code, *args], env=environment(), capture_output=True, text=True, timeout=60
    )


@pytest.mark.parametrize("module", ["click", "tlx.cli.session", "tlx.plugins.registry", "pluggy", "tlx.cli.list"])
def test_in_the_first_moments_it_leaves_no_traceback(module):
    done = tlx(AT.format(module=module))
    assert done.returncode == 130, done.stderr
    assert "Interrupted." in done.stderr and "Traceback" not in done.stderr and done.stdout == ""


def test_one_that_python_swallows_ends_the_command_all_the_same(tmp_path):
    """The trap: `Exception ignored in`, and hours of runs that go on."""
    path = tmp_path / "swallows.py"
    path.write_text(PLUGIN)
    done = tlx("from tlx.cli import main; main()", "swallowed", "--plugin", str(path))
    assert done.returncode == 130 and "went on" not in done.stdout, done.stderr
    assert f"To go on: tlx swallowed --plugin {path}" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [0.4, 1, 2, 4, 7])
def test_at_any_moment_of_a_suite(tmp_path, seconds):
    """Before the first import, within one, while programs are compiled, and while runs train."""
    args = ["bench", "quick", "--strategies", "source_only,mmd", "--seeds", "2", "--out", str(tmp_path / "out")]
    with subprocess.Popen(
        [sys.executable, "-c", "from tlx.cli import main; main()", *args],
        env={**os.environ, "TLX_PLUGINS": "backbones,datasets,selectors,strategies,suites"}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        time.sleep(seconds)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130 and "Traceback" not in err, err
    assert "To go on: tlx bench quick" in err or "\nInterrupted.\n" in err
    assert not list(tmp_path.glob("out/.*.tmp"))
