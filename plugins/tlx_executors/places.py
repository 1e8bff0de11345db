"""Cores and GPUs of this machine, divided among processes."""

import os
import re
import shutil
import subprocess
from collections.abc import Sequence

from tlx import SettingError
from tlx.executors import Place

MEMORY = 0.9  # of a GPU, for all processes on it together
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NPROC")  # XLA reads the last one


def own_cores() -> list[int]:
    """The numbers of the cores that this process may use."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [*range(os.cpu_count() or 1)]


def own_gpus(choice: str) -> list[str]:
    """The GPUs to use, as CUDA_VISIBLE_DEVICES names them; found without JAX, which would take their memory.

    Raises:
        SettingError: `choice` is neither "auto", "none" nor such names with commas between.
    """
    if choice not in ("auto", "none"):
        names = [name.strip() for name in choice.split(",") if name.strip()]
        if not names or not all(re.fullmatch(r"\d+|(GPU|MIG)-[\w-]+", name) for name in names):
            raise SettingError(f"Executor 'local': gpus is '{choice}'; expected auto, none, or numbers as 0,1.")
        return names
    platforms = os.environ.get("JAX_PLATFORMS", "")
    if choice == "none" or (platforms and not {"cuda", "gpu"} & set(platforms.split(","))):
        return []
    if (visible := os.environ.get("CUDA_VISIBLE_DEVICES")) is not None:
        return [name.strip() for name in visible.split(",") if name.strip()]
    if not (query := shutil.which("nvidia-smi")):
        return []
    try:
        done = subprocess.run([query, "-L"], capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return []
    return re.findall(r"^GPU (\d+):", done.stdout, re.MULTILINE) if done.returncode == 0 else []


def divide(jobs: int, cores: Sequence[int], gpus: Sequence[str]) -> list[Place]:
    """The places of so many processes: equal parts of the cores, GPUs in turn.

    Where there are fewer cores than processes, several have one core.
    """
    places = []
    for number in range(jobs):
        begin = number * len(cores) // jobs
        mine = tuple(cores[begin : max(begin + 1, (number + 1) * len(cores) // jobs)])
        environ = {name: str(len(mine)) for name in THREADS}
        if gpus:
            at = number % len(gpus)
            environ["CUDA_VISIBLE_DEVICES"] = gpus[at]
            sharing = len(range(at, jobs, len(gpus)))
            if sharing > 1 and "XLA_PYTHON_CLIENT_MEM_FRACTION" not in os.environ:
                environ["XLA_PYTHON_CLIENT_MEM_FRACTION"] = f"{MEMORY / sharing:.3f}"
        places.append(Place(number, mine, environ))
    return places
