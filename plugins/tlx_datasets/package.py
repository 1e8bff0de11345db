"""Finds the data files that other packages install, without importing those packages."""

from importlib.util import find_spec
from pathlib import Path

from tlx import DataError


def package_file(module: str, path: str, distribution: str) -> Path:
    """The file at `path` inside the installed package `module`, which pip knows as `distribution`.

    Importing the package would cost seconds (scikit-learn) or bring in others (matplotlib).

    Raises:
        DataError: the package is not installed, or has no such file.
    """
    spec = find_spec(module)
    if spec is None or not spec.submodule_search_locations:
        raise DataError(f"The package {distribution} is not installed. To get it: pip install {distribution}")
    for folder in spec.submodule_search_locations:
        if (file := Path(folder, path)).is_file():
            return file
    missing = f"The installed package {distribution} has no file {module}/{path}."
    raise DataError(f"{missing} To get it: pip install --upgrade {distribution}")
