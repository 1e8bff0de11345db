"""The operations that the speed table counts, against counts by hand; and that its sides run."""

import importlib.util
import json
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import pytest

SPEED = Path(__file__).parents[2] / "benchmarks" / "speed"
LENET = {"conv1": 24 * 24 * 25 * 20, "conv2": 8 * 8 * 25 * 20 * 50, "fc": 800 * 500, "bottleneck": 500 * 256}
HEAD = 256 * 10


@pytest.fixture
def speed(monkeypatch):
    """The modules of benchmarks/speed by name; they import each other as a script's neighbours."""
    monkeypatch.syspath_prepend(str(SPEED))
    names = ("cases", "flops", "tlx_side", "seeds", "run")
    yield {name: importlib.import_module(name) for name in names}
    for name in names:
        sys.modules.pop(name)


@pytest.mark.slow
def test_a_step_of_lenet_is_counted_as_by_hand(speed):
    case = next(case for case in speed["cases"].CASES if case.name == "source_only")
    forward = 2 * (sum(LENET.values()) + HEAD)
    # the gradient takes as much for the weights and as much for the inputs, of which the images need none
    by_hand = 128 * (3 * forward - 2 * LENET["conv1"])
    side = speed["tlx_side"].prepare(case._replace(steps=1))
    assert side.flops == by_hand
    side.call()


@pytest.mark.parametrize("padding, taps", [("VALID", 4 * 3), ("SAME", 6 * 3 - 2)])
def test_padding_is_not_counted(speed, padding, taps):
    """On a side of 6 with a kernel of 3, SAME has 6 positions, of which the first and the last miss a tap."""
    x, w = jnp.ones((2, 6, 6, 5)), jnp.ones((3, 3, 5, 7))

    def conv(x, w):
        return jax.lax.conv_general_dilated(x, w, (1, 1), padding, dimension_numbers=("NHWC", "HWIO", "NHWC"))

    count = speed["flops"].count
    forward = 2 * 2 * 5 * 7 * taps**2
    assert count(jax.make_jaxpr(conv)(x, w).jaxpr) == forward
    grad = jax.grad(lambda x, w: conv(x, w).sum(), argnums=(0, 1))
    assert count(jax.make_jaxpr(grad)(x, w).jaxpr) == 3 * forward


def test_a_scan_counts_its_turns(speed):
    w = jnp.ones((3, 3))
    program = jax.make_jaxpr(lambda c: jax.lax.scan(lambda c, _: (c @ w, None), c, None, length=4)[0])(w)
    assert speed["flops"].count(program.jaxpr) == 4 * 2 * 27


@pytest.mark.slow
def test_the_commands_write_what_they_print(speed, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)  # as without PyTorch
    few = [case._replace(steps=1) for case in speed["cases"].CASES if case.name == "source_only"]
    for module in ("run", "seeds"):
        monkeypatch.setattr(speed[module], "CASES", few)
    table, grid = tmp_path / "table.json", tmp_path / "grid.json"
    monkeypatch.setattr(sys, "argv", ["run.py", "--repeats", "1", "--seeds", "1,2", "--json", str(table)])
    speed["run"].main()
    (row,) = json.loads(table.read_text())
    assert row.keys() >= {"case", "tlx_ms", "torch_ms", "ratio", "gflops", "limit_gflops"}
    assert (row["case"], row["torch_ms"], row["ratio"]) == ("source_only", None, None)
    arguments = ["seeds.py", "--seeds", "1,2", "--repeats", "1", "--dtypes", "float32", "--json", str(grid)]
    monkeypatch.setattr(sys, "argv", arguments)
    speed["seeds"].main()
    written = json.loads(grid.read_text())
    assert [row["seeds"] for row in written["rows"]] == [1, 2] and "cpu" in written["device"]
    assert "PyTorch absent" in capsys.readouterr().out
