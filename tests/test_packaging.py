import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

import tlx

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
SETUPTOOLS = PROJECT["tool"]["setuptools"]
WANTED = {"LICENSE", "MANIFEST.in", "README.md", "pyproject.toml", "setup.py", "tlx", "plugins", "benchmarks"}


def test_every_package_is_in_the_distribution():
    found = {str(path.parent.relative_to(ROOT)).replace("/", ".") for path in (ROOT / "tlx").rglob("__init__.py")}
    for name, folder in SETUPTOOLS["package-dir"].items():
        assert (ROOT / folder / "__init__.py").is_file(), f"{folder} is no package"
        inner = (ROOT / folder).glob("*/__init__.py") if name != "tlx" else ()
        found |= {name, *(f"{name}.{path.parent.name}" for path in inner)}
    assert set(SETUPTOOLS["packages"]) == found


def test_every_entry_point_is_in_the_distribution():
    assert set(PROJECT["project"]["entry-points"]["tlx"].values()) <= set(SETUPTOOLS["packages"])


def test_the_version_is_the_same_wherever_it_is_said():
    latest = re.search(r"^## ([\d.]+) \(\d{4}-\d\d-\d\d\)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    cited = re.search(r"^version: (.+)$", (ROOT / "CITATION.cff").read_text(), re.MULTILINE)
    assert latest and cited and latest[1] == cited[1] == tlx.__version__


@pytest.mark.slow
@pytest.mark.parametrize(
    ("schema", "files"),
    [
        ("github-workflows", ".github/workflows/*.yml"),
        ("github-issue-forms", ".github/ISSUE_TEMPLATE/*.yml"),
        ("citation-file-format", "CITATION.cff"),
    ],
)
def test_what_others_read_is_as_they_expect_it(schema, files):
    """The trap: a comma in a form's label, which makes a key of what follows."""
    pytest.importorskip("check_jsonschema", reason="check-jsonschema is not installed (the extra `dev`)")
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}"]
    done = subprocess.run([*command, *ROOT.glob(files)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_python_that_is_named_is_checked():
    named = {item.rsplit(" ", 1)[1] for item in PROJECT["project"]["classifiers"] if re.search(r" 3\.\d+$", item)}
    workflow = (ROOT / ".github/workflows/check.yml").read_text()
    matrix = re.search(r"^ +python: \[(.+)\]$", workflow, re.MULTILINE)
    assert matrix and named == set(re.findall(r"3\.\d+", matrix[1]))
    assert PROJECT["project"]["requires-python"] == f">={min(named, key=lambda name: int(name[2:]))}"


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The sdist, and the wheels that its content and this tree give, without kernels."""
    place = tmp_path_factory.mktemp("built")
    environ = {**os.environ, "CXX": "/bin/false", "CC": "/bin/false", "SOURCE_DATE_EPOCH": "1700000000"}

    def call(*words, cwd):
        subprocess.run([sys.executable, *map(str, words)], cwd=cwd, env=environ, check=True, capture_output=True)

    tree = place / "tree"
    tree.mkdir()
    for path in ROOT.iterdir():
        if path.name in WANTED:
            copy = shutil.copytree if path.is_dir() else shutil.copyfile
            copy(path, tree / path.name)
    call("-c", f"from setuptools import build_meta; build_meta.build_sdist({str(place)!r})", cwd=tree)
    (sdist,) = place.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        archive.extractall(place / "unpacked", filter="data")
    wheels = []
    for source in (tree, place / "unpacked" / sdist.name.removesuffix(".tar.gz")):
        out = place / f"wheel-{len(wheels)}"
        call("-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", out, ".", cwd=source)
        wheels += out.glob("*.whl")
    return sdist, *wheels


@pytest.mark.slow
def test_the_sdist_gives_the_wheel_of_the_tree_to_the_byte(built):
    sdist, ours, from_sdist = built
    assert ours.read_bytes() == from_sdist.read_bytes()
    assert sdist.name == f"tlx-{tlx.__version__}.tar.gz" and ours.name.startswith(f"tlx-{tlx.__version__}-")


@pytest.mark.slow
def test_the_wheel_has_every_file_that_the_code_reads(built):
    names = set(zipfile.ZipFile(built[1]).namelist())
    kinds = "*.py", "py.typed", "report/page/*", "cli/templates/*.txt", "bsds500_train.txt", "*.yaml"
    homes = {"tlx": "tlx", **SETUPTOOLS["package-dir"]}
    wanted = {
        f"{package}/{path.relative_to(ROOT / folder)}"
        for package, folder in homes.items()
        for kind in kinds
        for path in [*(ROOT / folder).glob(kind), *(ROOT / folder).glob(f"**/{kind}")]
        if path.is_file() and "tests" not in path.relative_to(ROOT).parts
    }
    assert wanted <= names, sorted(wanted - names)


@pytest.mark.slow
def test_the_wheel_works_in_an_environment_of_its_own(built, tmp_path):
    """What it needs is that of this environment; tlx is not."""
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "env"], check=True)
    (site,) = tmp_path.glob("env/lib/python*/site-packages")
    (site / "needs.pth").write_text(sysconfig.get_path("purelib"))
    install = ["-m", "pip", "install", "-q", "--no-index", "--no-deps", "--force-reinstall", built[1]]
    subprocess.run([tmp_path / "env/bin/python", *map(str, install)], check=True)
    environ = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}

    def call(*words):
        done = subprocess.run(words, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False)
        assert not done.returncode, done.stderr
        return done.stdout

    assert str(site) in call(tmp_path / "env/bin/python", "-c", "import tlx; print(tlx.__file__)")
    listed = call(tmp_path / "env/bin/tlx", "list", "strategies")
    assert all(f" {name} " in f" {listed} " for name in ("source_only", "dann", "shot"))
    run = call(tmp_path / "env/bin/tlx", "run", "optdigits", "target_only", "--steps", "3", "--seeds", "1")
    assert "accuracy" in run
