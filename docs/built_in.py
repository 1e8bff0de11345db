"""The registry of what comes with tlx, whatever else is installed."""

import tomllib
from functools import cache
from pathlib import Path

from tlx.plugins import Registry

ROOT = Path(__file__).parents[1]


@cache
def registry() -> Registry:
    """The built-in plugins, loaded once."""
    names = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]["tlx"]
    return Registry.load(environ={"TLX_PLUGINS": ",".join(names)})
