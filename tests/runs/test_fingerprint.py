import importlib
import sys
import uuid

import pytest

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
