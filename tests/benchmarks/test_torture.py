import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks/torture/run.py"


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_kills_lose_and_change_nothing():
    """The short form of `benchmarks/torture`: one or two suites of six cells."""
    command = [sys.executable, str(SCRIPT), "--kills", "12", "--seed", "1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and '"lost": 0, "changed": 0, "twice": 0, "left": 0' in done.stdout, done.stderr


def test_the_suite_is_one_of_tlx():
    spec = importlib.util.spec_from_file_location("torture", SCRIPT)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert set(module.CALLS) <= set(dir(os)) and len(module.SUITE.tasks) * len(module.SUITE.strategies) == 6


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_workers_that_are_killed_lose_and_change_nothing():
    """The short form of `benchmarks/torture/workers.py`: claims of dead hosts are taken over after the lease."""
    command = [sys.executable, str(SCRIPT.with_name("workers.py")), "--kills", "6", "--seed", "1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=400)
    assert done.returncode == 0, done.stdout + done.stderr
    counts = json.loads(done.stdout)
    assert counts["kills"] >= 4 and counts["cells"] >= 6 and counts["taken over from another host"] >= 1
