import ast
import inspect
import logging
import textwrap
from pathlib import Path

import click
import pytest

from tlx import hooks
from tlx.cli.session import Session
from tlx.errors import PluginError
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
    def tlx_scores(self, register):
        self.calls["tlx_scores"] = register

    @hookimpl
    def tlx_recipes(self, register):
        self.calls["tlx_recipes"] = register

    @hookimpl
    def tlx_executors(self, register):
        self.calls["tlx_executors"] = register

    @hookimpl
    def tlx_figures(self, register):
        self.calls["tlx_figures"] = register

    @hookimpl
    def tlx_trackers(self, register):
        self.calls["tlx_trackers"] = register

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
    assert not registry.check()  # which asks for all kinds
    assert plugin.calls.keys() == HOOKS.keys()
    assert plugin.calls["tlx_round_finished"] == ("spec", 0.5)
    assert plugin.calls["tlx_run_finished"] == ("spec", "result")
    assert [entry.name for entry in registry.entries("backbones")] == ["tiny"]
    assert not registry.problems


def test_a_plugin_is_asked_for_a_kind_once_when_that_is_first_asked_for():
    plugin, registry = Everything(), Registry()
    registry.add(plugin, "everything")
    assert not plugin.calls
    assert [entry.name for entry in registry.entries("backbones")] == ["tiny"]
    assert plugin.calls.keys() == {"tlx_backbones"}
    plugin.calls.clear()
    assert registry.entry("backbones", "tiny") and not plugin.calls


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


class Counts:
    """An observer: its methods are named as the hooks, and not marked."""

    def __init__(self, fails=False):
        self.fails, self.rounds = fails, []

    def tlx_round_finished(self, progress):
        self.rounds.append(progress)
        if self.fails:
            raise OSError("no space left")


@pytest.fixture
def log(caplog):
    """The lines that the registry logs; `tlx` itself may not hand its lines on any more."""
    logger = logging.getLogger("tlx.plugins")
    logger.addHandler(caplog.handler)
    yield lambda: list(dict.fromkeys(item.getMessage() for item in caplog.records if item.name == "tlx.plugins"))
    logger.removeHandler(caplog.handler)


def test_an_observer_that_raises_is_logged_and_named_and_stops_nothing(log):
    registry, plugin, first, broken, last = Registry(), Everything(), Counts(), Counts(fails=True), Counts()
    registry.add(plugin, "everything")
    with registry.observing(first, broken, last):
        for number in range(2):
            registry.hook.tlx_round_finished(spec="spec", progress=number)
        registry.hook.tlx_run_finished(spec="spec", result="result")
    assert first.rounds == broken.rounds == last.rounds == [0, 1]
    assert plugin.calls["tlx_round_finished"] == ("spec", 1) and "tlx_run_finished" in plugin.calls
    assert log() == ["plugin 'Counts 2': tlx_round_finished failed: OSError: no space left"]
    assert [str(problem) for problem in registry.problems] == log()  # once, of two rounds


def test_an_observer_stays_for_the_length_of_a_block():
    registry, observer = Registry(), Counts()
    with pytest.raises(KeyError), registry.observing(observer):
        registry.hook.tlx_round_finished(spec="spec", progress=1)
        raise KeyError
    registry.hook.tlx_round_finished(spec="spec", progress=2)
    assert observer.rounds == [1] and not registry.plugins() and not registry.check()


class Other:
    def tlx_round_finished(self, epoch):
        pass


@pytest.mark.parametrize(
    ("observer", "told"), [(object(), "'object' has no hook of a run; expected tlx_run_started or"), (Other(), "epoch")]
)
def test_what_is_no_observer_is_refused_and_the_others_go(observer, told):
    registry, first = Registry(), Counts()
    with pytest.raises(PluginError, match=told), registry.observing(first, observer):
        pass
    registry.hook.tlx_round_finished(spec="spec", progress=1)
    assert not first.rounds


def test_a_wrapper_is_named_as_it_would_wrap_nothing():
    class Wrapper:
        @hookimpl(wrapper=True)
        def tlx_run_started(self, spec):
            return (yield)

    registry = Registry()
    registry.add(Wrapper(), "wrapper")
    registry.hook.tlx_run_started(spec="spec")
    (problem,) = registry.problems
    assert "plugin 'wrapper': tlx_run_started failed: TypeError: it is a wrapper" in str(problem)
