import subprocess
from importlib import metadata

import pytest

from tlx.runs.environment import commit, environment


def git(folder, *words):
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    return subprocess.run(
        ["git", "-C", folder, *identity, *words], check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.fixture
def checkout(tmp_path):
    (tmp_path / "tlx").mkdir()
    (tmp_path / "tlx" / "errors.py").write_text("a = 1\n")
    git(tmp_path, "init", "-q")
    return tmp_path


def test_versions_and_device():
    found = environment("cpu x 2")
    assert found.versions["numpy"] == metadata.version("numpy")
    assert {"tlx", "jax", "flax", "optax", "python"} <= set(found.versions)
    assert found.device == "cpu x 2"


def test_commit_says_whether_there_are_changes(checkout):
    git(checkout, "add", ".")
    git(checkout, "commit", "-qm", "first")
    head = git(checkout, "rev-parse", "HEAD")
    assert commit(checkout) == head
    (checkout / "tlx" / "errors.py").write_text("a = 2\n")
    commit.cache_clear()
    assert commit(checkout) == f"{head}-dirty"


def test_a_tlx_that_is_not_tracked_has_no_commit(checkout):
    (checkout / "mine.py").touch()
    git(checkout, "add", "mine.py")
    git(checkout, "commit", "-qm", "someone else's")
    assert commit(checkout) is None


def test_no_checkout(tmp_path):
    assert commit(tmp_path) is None
