"""The short form of `benchmarks/scale`: fifty cells on ten workers, by the real code of claims."""

import importlib.util
import sys
from dataclasses import replace
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks/scale/run.py"


@pytest.fixture(scope="module")
def scale():
    pytest.importorskip("greenlet", reason="benchmarks/scale needs greenlet: pip install 'tlx[test]'")
    spec = importlib.util.spec_from_file_location("scale", SCRIPT)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["scale"] = module  # where its dataclass looks for names
    spec.loader.exec_module(module)
    yield module
    del sys.modules["scale"]


def test_workers_that_die_lose_nothing(scale):
    figures = scale.Simulation(replace(scale.ROUGH, cells=50, workers=10, life=1200.0)).run()
    assert (figures["lost"], figures["twice"], figures["claims left"]) == (0, 0, 0) and figures["deaths"] > 5
    assert figures["hours"] > figures["ideal hours"]


def test_a_claim_that_is_touched_too_late_is_a_cell_done_twice(scale):
    """The simulation can fail: where operations hang for longer than a lease, a living worker is taken for dead."""
    world = replace(scale.World("hangs"), cells=50, workers=10, hang=0.02)
    figures = scale.Simulation(world).run()
    assert figures["lost"] == 0 and figures["twice"] > 0


def test_nobody_claims_what_is_there(scale):
    """The trap: every worker tries every cell."""
    figures = scale.Simulation(replace(scale.World("calm"), cells=100, workers=10)).run()
    assert figures["operations"]["create"] < 3 * 1.5 * 100 and figures["operations"]["list"] < 300
