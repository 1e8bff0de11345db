import importlib
import sys
import uuid

import pytest

from tlx.plugins.file import load_file
from tlx.runs.fingerprint import fingerprint

MAIN = '''
"""Doc."""
from .helper import double
class Mine:
    """What it is."""
    def loss(self):
        return double(1)
'''
HELPER = "def double(x):\n    return 2 * x\n"


@pytest.fixture
def of(tmp_path, monkeypatch):
    """The fingerprint of a strategy in a package of two files, whose texts are given."""
    monkeypatch.syspath_prepend(tmp_path)

    def take(main=MAIN, helper=HELPER):
        package = f"package_{uuid.uuid4().hex}"
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").touch()
        (tmp_path / package / "helper.py").write_text(helper)
        (tmp_path / package / "main.py").write_text(main)
        importlib.invalidate_caches()
        text = fingerprint(importlib.import_module(f"{package}.main").Mine)
        for name in [name for name in sys.modules if name.startswith(package)]:
            del sys.modules[name]
        return text

    return take


def test_the_same_code_has_the_same_fingerprint(of):
    assert len(of()) == 64
    assert of() == of()


def test_documentation_does_not_count(of):
    changed = MAIN.replace("What it is.", "What it was.").replace('"""Doc."""', "# a comment\n")
    assert of(changed) == of()


def test_code_counts(of):
    assert of(MAIN.replace("double(1)", "double(2)")) != of()


def test_code_of_the_same_package_counts(of):
    assert of(helper=HELPER.replace("2 *", "3 *")) != of()


def test_a_class_without_a_source_has_none():
    assert fingerprint(type("Mine", (), {"__module__": "nowhere"})) == ""


@pytest.mark.parametrize(
    "main",
    [
        MAIN.replace("import double", "import LIMIT, double"),
        "class Mine:\n    def loss(self):\n        from .helper import double\n        return double(1)\n",
        "class Mine:\n    def loss(self):\n        from . import helper\n        return helper.double(1)\n",
    ],
    ids=["a constant", "inside a function", "a module"],
)
def test_whatever_is_imported_counts(of, main):
    """The trap: what only names of functions and classes lead to."""
    assert of(main, HELPER + "LIMIT = 1\n") != of(main, HELPER + "LIMIT = 2\n")


def in_file(tmp_path, name, helper):
    """The fingerprint of a strategy in a plugin file that imports a module beside it."""
    (tmp_path / f"{name}.py").write_text(helper)
    path = tmp_path / "mine.py"
    path.write_text(f"import tlx, numpy, json\nimport {name}\n@tlx.strategy\nclass Mine(tlx.Strategy):\n    pass\n")
    importlib.invalidate_caches()
    try:
        return fingerprint(load_file(path).Mine)
    finally:
        sys.modules.pop(name, None)


def test_a_helper_beside_a_plugin_file_counts(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    name = f"helper_{uuid.uuid4().hex}"
    first = in_file(tmp_path, name, "X = 1\n")
    assert first == in_file(tmp_path, name, "X = 1  # a comment\n") != in_file(tmp_path, name, "X = 2\n")


def test_an_installed_package_does_not_count(tmp_path, monkeypatch):
    """Its version does, as that of NumPy, which is in the result."""
    folder = tmp_path / "site-packages"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    name = f"helper_{uuid.uuid4().hex}"
    assert in_file(folder, name, "X = 1\n") == in_file(folder, name, "X = 2\n") != ""


def test_code_is_that_which_was_imported(tmp_path, monkeypatch):
    """The trap: a file that is edited while it runs, and a result that says it was run by the new text."""
    monkeypatch.syspath_prepend(tmp_path)
    name = f"module_{uuid.uuid4().hex}"
    (tmp_path / f"{name}.py").write_text("class Mine:\n    x = 1\n")
    importlib.invalidate_caches()
    kind = importlib.import_module(name).Mine
    first = fingerprint(kind)
    (tmp_path / f"{name}.py").write_text("class Mine:\n    x = 2\n")
    assert fingerprint(kind) == first
