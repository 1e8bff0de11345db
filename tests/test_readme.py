"""README's code runs: its strategy holds to the contract, its Python example gives scores."""

import re
from pathlib import Path

import click

from tlx.cli import cli
from tlx.plugins import Registry
from tlx.testing import check_strategy

TEXT = (Path(__file__).parents[1] / "README.md").read_text()
STRATEGY, EXAMPLE = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)


def test_the_strategy_passes_its_checks(tmp_path):
    (tmp_path / "mean_gap.py").write_text(STRATEGY)
    registry = Registry.load([tmp_path / "mean_gap.py"], {"TLX_PLUGINS": ""})
    results = check_strategy(registry.get("strategies", "mean_gap"))
    assert [result for result in results if not result.passed] == []


def test_the_example_gives_scores(capsys):
    short = EXAMPLE.replace("seeds=3, steps=400", "seeds=1, steps=5, backbone='mlp'")
    assert short != EXAMPLE
    exec(short, {})
    (score,) = eval(capsys.readouterr().out)
    assert 0 <= score <= 1


def test_its_commands_are_there():
    """The two set-up commands are single lines, and every `tlx` command that is named exists."""
    assert len(re.findall(r"^python3 -m venv \.venv && .*$", TEXT, re.MULTILINE)) == 2
    used = set(re.findall(r"(?:^|`|/)tlx (\w+)", TEXT, re.MULTILINE))
    assert used >= {"bench", "check", "list", "report", "run"}
    assert used <= set(cli.list_commands(click.Context(cli)))
