"""Several devices give what one gives: simulated on the CPU, in processes of their own."""

import os
import subprocess
import sys

import numpy as np
import pytest

from tlx.engine.devices import mesh

SCRIPT = """
import sys
import numpy as np
from tlx.engine.train import train
from tlx.plugins import Registry
from tlx.testing.tiny import TinyBN, tiny_recipe, tiny_task
recipe = tiny_recipe().replace(steps=1, rounds=1, momentum=0.0)
strategies = [Registry.load().get("strategies", name)() for name in ("dann", "shot")]
outcomes = [train(one, TinyBN, tiny_task(), recipe, tuple(range(int(sys.argv[2])))) for one in strategies]
assert outcomes[0].device.startswith(sys.argv[3] + " x"), outcomes[0].device
np.save(sys.argv[1], np.stack([outcome.evaluations[-1].target_logits for outcome in outcomes]))
"""


def logits(folder, devices: int, seeds: int) -> np.ndarray:
    path = folder / f"{devices}.npy"
    flags = f"--xla_force_host_platform_device_count={devices}"
    command = [sys.executable, "-c", SCRIPT, str(path), str(seeds), str(devices)]
    subprocess.run(command, env={**os.environ, "XLA_FLAGS": flags}, check=True)
    return np.load(path, allow_pickle=False)


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [4, 3])  # 4 x 2 devices, then 1 x 8
def test_eight_devices_take_the_step_of_one(tmp_path, seeds):
    np.testing.assert_allclose(logits(tmp_path, 8, seeds), logits(tmp_path, 1, seeds), atol=1e-5)


def test_one_device_needs_no_mesh():
    assert mesh(3, 8) is None
