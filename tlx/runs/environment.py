"""Where a run took place: versions, commit, device."""

import functools
import platform
import subprocess
from importlib import metadata
from pathlib import Path

from tlx import __version__
from tlx.runs.result import Environment

PACKAGES = ("jax", "jaxlib", "flax", "optax", "numpy")
CHECKOUT = Path(__file__).resolve().parents[2]


def environment(device: str | None = None) -> Environment:
    """Versions of Python and of what the numbers hang on, the commit of the tlx checkout, and the device as given."""
    return Environment({**versions(), "python": platform.python_version()}, commit(), device)


@functools.cache
def versions() -> dict[str, str]:
    """The version of tlx, and those installed of `PACKAGES`: "unknown" for one that is not installed as a package."""
    installed = {"tlx": __version__}
    for package in PACKAGES:
        try:
            installed[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            installed[package] = "unknown"
    return installed


@functools.cache
def commit(folder: Path = CHECKOUT) -> str | None:
    """The commit of the checkout that holds tlx, with "-dirty" for uncommitted changes; None where tlx is in none."""
    # a tlx installed inside some other project's checkout is not tracked there, and must not take that commit
    if _git(folder, "ls-files", "--error-unmatch", "tlx/errors.py") is None:
        return None
    return _git(folder, "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*")


def _git(folder: Path, *words: str) -> str | None:
    try:
        done = subprocess.run(["git", "-C", str(folder), *words], capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
