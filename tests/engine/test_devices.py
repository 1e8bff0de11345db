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
path, devices = sys.argv[1:]
recipe = tiny_recipe().replace(steps=1, rounds=1, momentum=0.0)
strategies, task = [Registry.load().get("strategies", name)() for name in ("dann", "shot")], tiny_task()
for seeds in (4, 3):
    outcomes = [train(one, TinyBN, task, recipe, tuple(range(seeds))) for one in strategies]
    assert outcomes[0].device.startswith(devices + " x"), outcomes[0].device
    np.save(f"{path}.{seeds}.npy", np.stack([outcome.evaluations[-1].target_logits for outcome in outcomes]))
"""


@pytest.fixture(scope="module")
def logits(tmp_path_factory):
    """By the number of devices and of seeds; a process for each number of devices."""
    folder, found = tmp_path_factory.mktemp("devices"), {}
    for devices in (8, 1):
        flags = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count={devices}"
        environ = {**os.environ, "XLA_FLAGS": flags, "TLX_PLUGINS": "strategies"}
        subprocess.run(
            [sys.executable, "-c", SCRIPT, str(folder / str(devices)), str(devices)], env=environ, check=True
        )
        for seeds in (4, 3):
            found[devices, seeds] = np.load(folder / f"{devices}.{seeds}.npy", allow_pickle=False)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [4, 3])  # 4 x 2 devices, then 1 x 8
def test_eight_devices_take_the_step_of_one(logits, seeds):
    np.testing.assert_allclose(logits[8, seeds], logits[1, seeds], atol=1e-5)


def test_one_device_needs_no_mesh():
    assert mesh(3, 8) is None
