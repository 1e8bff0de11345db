import ast
import inspect
import textwrap
from pathlib import Path

import click
import pytest

from tlx import hooks
from tlx.cli.session import Session
from tlx.hooks import hookimpl
from tlx.plugins import KINDS, Registry

HOOKS = {name: hook for name, hook in vars(hooks).items() if name.startswith("tlx_")}
ROOT = Path(__file__).parents[1]


class Everything:
    """A plugin with every hook, which notes its calls."""

    def __init__(self):
        self.calls = {}

    @hookimpl
    def tlx_strategies(self, register):
        self.calls["tlx_strategies"] = register

    @hookimpl
    def tlx_backbones(self, register):
        self.calls["tlx_backbones"] = register
        register("tiny", dict, "a backbone")

    @hookimpl
    def tlx_datasets(self, register):
        self.calls["tlx_datasets"] = register
        register("none", lambda: None, "a dataset")

    @hookimpl
    def tlx_protocols(self, register):
        self.calls["tlx_protocols"] = register

    @hookimpl
    def tlx_tasks(self, register):
        self.calls["tlx_tasks"] = register

    @hookimpl
    def tlx_tables(self, register):
        self.calls["tlx_tables"] = register

    @hookimpl
    def tlx_suites(self, register):
        self.calls["tlx_suites"] = register

    @hookimpl
    def tlx_selectors(self, register):
        self.calls["tlx_selectors"] = register

    @hookimpl
    def tlx_recipes(self, register):
        self.calls["tlx_recipes"] = register

    @hookimpl
    def tlx_commands(self, cli):
        self.calls["tlx_commands"] = cli
        cli.add_command(click.Command("hello"))

    @hookimpl
    def tlx_run_started(self, spec):
        self.calls["tlx_run_started"] = spec

    @hookimpl
    def tlx_round_finished(self, spec, progress):
        self.calls["tlx_round_finished"] = spec, progress

    @hookimpl
    def tlx_run_finished(self, spec, result):
        self.calls["tlx_run_finished"] = spec, result


def test_every_hook_is_called():
    plugin, registry, session = Everything(), Registry(), Session()
    registry.add(plugin, "everything")
    session._registry = registry
    assert list(session.commands(["list"])) == ["hello"]
    registry.hook.tlx_run_started(spec="spec")
    registry.hook.tlx_round_finished(spec="spec", progress=0.5)
    registry.hook.tlx_run_finished(spec="spec", result="result")
    assert plugin.calls.keys() == HOOKS.keys()
    assert plugin.calls["tlx_round_finished"] == ("spec", 0.5)
    assert plugin.calls["tlx_run_finished"] == ("spec", "result")
    assert [entry.name for entry in registry.entries("backbones")] == ["tiny"]
    assert not registry.problems


def test_every_kind_has_its_hook():
    assert {f"tlx_{kind}" for kind in KINDS} <= HOOKS.keys()


@pytest.mark.parametrize("name", HOOKS)
def test_hook_is_documented_with_an_example_that_fits_it(name):
    text = inspect.getdoc(HOOKS[name]) or ""
    summary, _, example = text.partition("Example:\n")
    assert summary.strip()
    (function,) = ast.parse(textwrap.dedent(example)).body
    assert isinstance(function, ast.FunctionDef) and function.name == name
    assert [ast.unparse(mark) for mark in function.decorator_list] == ["hookimpl"]
    assert [item.arg for item in function.args.args] == list(inspect.signature(HOOKS[name]).parameters)


@pytest.mark.parametrize("name", HOOKS)
def test_hook_is_in_the_table_of_the_plugins_readme(name):
    assert f"| `{name}" in (ROOT / "plugins/README.md").read_text()


@pytest.mark.parametrize("name", [name for name in HOOKS if name.endswith(("started", "finished"))])
def test_observer_that_fails_does_not_stop_the_others(name):
    class Broken:
        @hookimpl(specname=name)
        def observe(self, spec):
            raise OSError("no space left")

    registry, plugin = Registry(), Everything()
    registry.add(Broken(), "broken")
    registry.add(plugin, "everything")
    for _ in range(2):
        getattr(registry.hook, name)(**{key: "it" for key in inspect.signature(HOOKS[name]).parameters})
    assert name in plugin.calls
    (problem,) = registry.problems
    assert str(problem) == f"plugin 'broken': {name} failed: OSError: no space left"
