import ast
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tlx.cli import scaffold
from tlx.errors import PluginError, TlxError, UnknownName
from tlx.plugins import Registry, target
from tlx.testing import check_backbone, check_dataset, check_strategy

CHECKS = {"strategy": check_strategy, "backbone": check_backbone, "dataset": check_dataset}
PLURAL = {"strategy": "strategies", "backbone": "backbones", "dataset": "datasets"}


@pytest.mark.parametrize("kind", scaffold.KINDS)
def test_file_passes_its_checks(kind, tmp_path):
    (path,) = scaffold.write(kind, "my_thing", tmp_path)
    assert path == tmp_path / "my_thing.py"
    registry = Registry.load([path], {"TLX_PLUGINS": ""})
    entry = registry.entry(PLURAL[kind], "my_thing")
    assert entry.summary and not registry.check()
    results = CHECKS[kind](entry.load if kind == "dataset" else entry.load())
    assert [result for result in results if not result.passed] == []
    if kind == "dataset":
        task = registry.get("tasks", "my_thing:my_thing_dim")
        assert {entry.name for entry in registry.entries("datasets")} == {*task.sources, *task.targets}


@pytest.mark.parametrize("kind", scaffold.KINDS)
def test_package_is_whole(kind, tmp_path, monkeypatch):
    paths = scaffold.write(kind, f"pack_{kind}", tmp_path, package=True)
    package = f"tlx_pack_{kind}"
    assert {str(path.relative_to(tmp_path)) for path in paths} == {
        f"{package}/{name}" for name in (f"{package}/pack_{kind}.py", f"{package}/__init__.py",
                                         f"tests/test_pack_{kind}.py", "pyproject.toml", "README.md")
    }  # fmt: skip
    project = tomllib.loads((tmp_path / package / "pyproject.toml").read_text())
    assert project["project"]["entry-points"]["tlx"] == {f"pack_{kind}": package}
    assert project["tool"]["setuptools"]["packages"] == [package]
    monkeypatch.syspath_prepend(tmp_path / package)
    registry = Registry()
    registry.add(__import__(package), "pack")
    entry = registry.entry(PLURAL[kind], f"pack_{kind}")
    assert isinstance(entry.target, str) and entry.summary == target.describe(entry.target)[0] and not registry.check()
    assert f"{package}.pack_{kind}" not in sys.modules
    assert registry.get(PLURAL[kind], f"pack_{kind}")


@pytest.mark.slow
def test_package_passes_its_own_test(tmp_path):
    scaffold.write("backbone", "packed", tmp_path, package=True)
    folder, root = tmp_path / "tlx_packed", Path(__file__).parents[1]
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), str(root)])}
    done = subprocess.run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"], cwd=folder, env=environ,
                          capture_output=True, text=True)  # fmt: skip
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("kind", scaffold.KINDS)
@pytest.mark.parametrize("package", [False, True])
def test_files_are_tidy(kind, package, tmp_path):
    for path in scaffold.write(kind, "my_thing", tmp_path, package):
        text = path.read_text()
        assert "$" not in text and text.endswith("\n") and not text.endswith("\n\n") and "\n\n\n\n" not in text
        if path.suffix == ".py":
            ast.parse(text)


@pytest.mark.parametrize("package", [False, True])
def test_nothing_is_overwritten(tmp_path, package):
    (path, *_) = scaffold.write("strategy", "mine", tmp_path, package)
    path.write_text("mine")
    with pytest.raises(PluginError, match="already there"):
        scaffold.write("strategy", "mine", tmp_path, package)
    assert path.read_text() == "mine"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("MyThing", "my_thing"),
        ("2d", "mean_shift"),
        ("class", "mean_shift"),
        ("a-b", "a_b"),
        ("../x", "like x"),
        ("", ""),
    ],
)
def test_bad_name(tmp_path, name, told):
    with pytest.raises(PluginError) as error:
        scaffold.write("strategy", name, tmp_path)
    assert f"'{name}'" in str(error.value) and told in str(error.value)
    assert not list(tmp_path.iterdir())


def test_unknown_kind(tmp_path):
    with pytest.raises(UnknownName, match="Did you mean strategy"):
        scaffold.write("strategies", "x", tmp_path)


def test_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(TlxError, match="cannot write"):
        scaffold.write("strategy", "x", tmp_path / "file")


def test_command(tlx_command, distribution, tmp_path):
    source = "from tlx.hooks import hookimpl\n@hookimpl\ndef tlx_backbones(register):\n    register('taken', dict)"
    distribution("new_pkg", {"new_hooks": source}, {"holder": "new_hooks"})
    code, out, _ = tlx_command("new", "strategy", "mine", "--out", str(tmp_path))
    path = tmp_path / "mine.py"
    assert code == 0 and path.is_file() and f"wrote {path}" in out and f"tlx check {path}" in out
    code, out, _ = tlx_command("new", "dataset", "mine", "--package", "--out", str(tmp_path))
    assert code == 0 and f"pip install -e {tmp_path / 'tlx_mine'}" in out
    code, _, err = tlx_command("new", "backbone", "taken", "--out", str(tmp_path))
    assert code == 1 and "backbone 'taken' is already there, by plugin 'holder'" in err
