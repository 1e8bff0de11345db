import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
SETUPTOOLS = PROJECT["tool"]["setuptools"]


def test_every_package_is_in_the_distribution():
    found = {str(path.parent.relative_to(ROOT)).replace("/", ".") for path in (ROOT / "tlx").rglob("__init__.py")}
    for name, folder in SETUPTOOLS["package-dir"].items():
        assert (ROOT / folder / "__init__.py").is_file(), f"{folder} is no package"
        inner = (ROOT / folder).glob("*/__init__.py") if name != "tlx" else ()
        found |= {name, *(f"{name}.{path.parent.name}" for path in inner)}
    assert set(SETUPTOOLS["packages"]) == found


def test_every_entry_point_is_in_the_distribution():
    assert set(PROJECT["project"]["entry-points"]["tlx"].values()) <= set(SETUPTOOLS["packages"])
