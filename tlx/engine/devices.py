"""What depends on the backend, and the persistent compilation cache."""

import math
import os
from pathlib import Path

import jax
import numpy as np
import platformdirs
from jax.sharding import Mesh

from tlx import native
from tlx.engine.processes import several
from tlx.errors import SettingError


def vectorised() -> bool:
    """Whether seeds run under `vmap`: on accelerators, and over several devices.

    On one CPU it makes convolutions five times as slow.
    """
    return jax.default_backend() != "cpu" or jax.device_count() > 1


def mesh(seeds: int, batch: int) -> Mesh | None:
    """The devices as axes "seeds" and "batch": seeds first, then parts of a batch. None for a single device.

    Each axis divides what it is for, so some devices stay idle where neither does. Of several processes none may.

    Raises:
        SettingError: the devices of several processes do not divide seeds and batch.
    """
    devices = jax.devices()
    if len(devices) == 1:
        return None
    by_seed = math.gcd(seeds, len(devices))
    by_batch = math.gcd(batch, len(devices) // by_seed)
    if several() and by_seed * by_batch < len(devices):
        raise SettingError(
            f"{len(devices)} devices of {jax.process_count()} processes do not divide {seeds} seeds and batches of "
            f"{batch} rows (the greatest common divisor of all); expected a --batch of a multiple of "
            f"{len(devices) // by_seed} rows, or fewer processes"
        )
    return Mesh(np.array(devices[: by_seed * by_batch]).reshape(by_seed, by_batch), ("seeds", "batch"))


def cores() -> int:
    """The processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def memory() -> int:
    """The bytes of memory that arrays may fill: a device's own, or this machine's."""
    stats = jax.local_devices()[0].memory_stats() or {}
    return stats.get("bytes_limit") or os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def describe() -> str:
    """The device's name and number, and on the CPU its kernels, as results record it."""
    device = jax.devices()[0]
    name = f"{jax.device_count()} x {device.device_kind}"
    if several():
        name += f" of {jax.process_count()} processes"
    if device.platform != "cpu":
        return name
    kernels = native.status().level
    return f"{name}, {cores()} cores, {f'native kernels ({kernels})' if kernels else 'no native kernels'}"


def use_compilation_cache() -> None:
    """Keeps compiled programs in the user's cache folder, unless JAX is already told where to.

    `JAX_COMPILATION_CACHE_DIR` names another folder; `JAX_ENABLE_COMPILATION_CACHE=0` turns it off.
    """
    if getattr(jax.config, "jax_compilation_cache_dir", None) is None:
        folder = Path(platformdirs.user_cache_dir("tlx")) / "xla"
        jax.config.update("jax_compilation_cache_dir", str(folder))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.1)
