"""The code blocks of plugins/README.md are right: each is written to the file that its first line names, and used."""

import json
import re
import sys
import tomllib
from pathlib import Path

import pytest

from tlx.cli.list import table
from tlx.plugins import Registry

TEXT = (Path(__file__).parents[2] / "plugins/README.md").read_text()
BLOCKS = dict(re.findall(r"```(?:python|toml)\n# (\S+)\n(.*?)```", TEXT, re.DOTALL))


@pytest.fixture
def folder(tmp_path):
    for name, text in BLOCKS.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_every_block_is_named():
    assert len(BLOCKS) == len(re.findall(r"```(?:python|toml)\n", TEXT)) == 8


@pytest.mark.parametrize("name", ["plain", "anchored", "critic"])
def test_file_with_a_strategy_passes_the_checks(folder, name):
    from tlx.testing import check_strategy

    registry = Registry.load([folder / f"{name}.py"], {"TLX_PLUGINS": ""})
    results = check_strategy(registry.get("strategies", name))
    assert [result for result in results if not result.passed] == []


def test_first_file_has_ten_lines():
    assert len([line for line in BLOCKS["plain.py"].splitlines() if line]) <= 10


def test_file_that_watches(folder, capsys):
    from types import SimpleNamespace as Some

    registry = Registry.load([folder / "watch.py"], {"TLX_PLUGINS": ""})
    registry.hook.tlx_run_finished(spec=Some(task="a->b", strategy="plain"), result=Some(status="finished"))
    assert capsys.readouterr().out == "a->b plain finished\n" and not registry.problems


def test_file_that_tracks(folder, monkeypatch):
    from types import SimpleNamespace as Some

    assert len([line for line in BLOCKS["tracker.py"].splitlines() if line]) <= 15
    monkeypatch.chdir(folder)
    registry = Registry.load(["tracker.py"], {"TLX_PLUGINS": ""})
    spec = Some(label="a->b plain", hash="12ab")
    registry.hook.tlx_round_finished(spec=spec, progress=Some(step=5, metrics={"task": [0.5, 0.25]}))
    result = Some(status="finished", finished=True, accuracy=lambda policy: [0.75])
    registry.hook.tlx_run_finished(spec=spec, result=result)
    head = {"run": "a->b plain", "hash": "12ab"}
    assert [json.loads(line) for line in (folder / "tracker.jsonl").read_text().splitlines()] == [
        {**head, "step": 5, "task": [0.5, 0.25]},
        {**head, "status": "finished", "accuracy": [0.75]},
    ]
    assert not registry.problems


def test_package(folder, monkeypatch):
    (folder / "my_plugin/plain.py").write_text(BLOCKS["plain.py"])
    points = tomllib.loads(BLOCKS["pyproject.toml"])["project"]["entry-points"]["tlx"]
    monkeypatch.syspath_prepend(folder)
    registry = Registry()
    for name, module in points.items():
        registry.add(__import__(module), name)
    assert registry.entry("strategies", "plain").plugin == "mine" and not registry.problems
    assert "my_plugin.plain" not in sys.modules
    assert registry.get("strategies", "plain").__name__ == "Plain"


def test_table_of_strategies_is_the_code():
    """Made by `tlx list strategies --markdown`."""
    entries = Registry.load(environ={"TLX_PLUGINS": "strategies"}).entries("strategies")
    assert table(entries) in TEXT, "plugins/README.md: replace its table by that of `tlx list strategies --markdown`"
