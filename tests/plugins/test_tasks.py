"""From a task's name to the task: registered ones, other protocols, any two datasets."""

import pytest

from tlx import PluginError, Protocol, Task, UnknownName, hookimpl
from tlx.plugins import Registry

OWN, SMALL, FULL = (Protocol(name, name, 4, None) for name in ("P-own", "P-small", "P-full-off"))
FEW = OWN.with_shots(5)


class Plugin:
    @hookimpl
    def tlx_datasets(self, register):
        for name in ("mnist", "usps", "kmnist", "office:"):
            register(name, lambda *rest: None)

    @hookimpl
    def tlx_protocols(self, register):
        for protocol in (SMALL, FULL):
            register(protocol.id, protocol)
        register("P-odd", SMALL)

    @hookimpl
    def tlx_tasks(self, register):
        register("mnist->usps", Task(("mnist",), ("usps",), OWN, "the summary"))
        register("mnist->usps/5", Task(("mnist",), ("usps",), FEW, "five"))


@pytest.fixture(scope="module")
def registry():
    registry = Registry()
    registry.add(Plugin(), "mine")
    assert not registry.problems
    return registry


@pytest.mark.parametrize(
    ("text", "name", "protocol"),
    [
        ("mnist:usps", "mnist->usps", OWN),
        ("mnist->usps@P-own", "mnist->usps", OWN),
        ("mnist->usps/5", "mnist->usps/5", FEW),
        ("mnist->usps@P-own/5", "mnist->usps/5", FEW),
        ("mnist->usps/7", "mnist->usps/7", OWN.with_shots(7)),
        ("mnist->usps@P-own/7", "mnist->usps/7", OWN.with_shots(7)),
        ("mnist->usps@P-small", "mnist->usps", SMALL),
        ("mnist->usps@P-small/5", "mnist->usps/5", SMALL.with_shots(5)),
        ("usps:mnist", "usps->mnist", FULL),
        ("office:dslr@P-small/10", "->office:dslr@P-small/10", SMALL.with_shots(10)),
        ("->office:dslr", "->office:dslr", FULL),
        ("mnist+usps->kmnist", "mnist+usps->kmnist", FULL),
        ("mnist -> usps -> kmnist", "mnist->usps->kmnist", FULL),
        ("mnist->kmnist->usps@P-small/2", "mnist->kmnist->usps/2", SMALL.with_shots(2)),
        ("mnist->office:a->office:b@P-small", "mnist->office:a->office:b", SMALL),
        ("office:emnist/digits -> mnist", "office:emnist/digits->mnist", FULL),
        ("office:emnist/digits->mnist@P-small/3", "office:emnist/digits->mnist/3", SMALL.with_shots(3)),
    ],
)
def test_the_task_of_a_name(registry, text, name, protocol):
    task = registry.get("tasks", text)
    assert (task.name, task.protocol) == (name, protocol)
    assert registry.get("tasks", text) == task


def test_a_registered_task_keeps_its_summary(registry):
    assert registry.get("tasks", "mnist:usps").summary == "the summary"
    assert registry.get("tasks", "mnist:usps/5").summary == "five"


@pytest.mark.parametrize(
    ("text", "kind", "message"),
    [
        ("mnist:uspss", UnknownName, "Unknown task 'mnist->uspss'. Did you mean mnist->usps"),
        ("swan:goose", UnknownName, "Unknown dataset 'swan'. There are: kmnist, mnist, office:, usps."),
        ("kmnist->usps->swan", UnknownName, "Unknown dataset 'swan'"),
        ("mnist->usps->kmnst", UnknownName, "Unknown dataset 'kmnst'. Did you mean kmnist"),
        ("mnist:usps@P-smal", UnknownName, "Unknown protocol 'P-smal'. Did you mean P-small"),
        ("mnist:mnist", UnknownName, "Unknown task 'mnist:mnist'"),
        ("mnist:usps@P-odd", PluginError, "protocol 'P-odd' is registered with the id 'P-small'; expected one name"),
    ],
)
def test_it_refuses(registry, text, kind, message):
    with pytest.raises(kind, match=message):
        registry.get("tasks", text)


def test_what_is_wrong_with_a_broken_task_is_told():
    class Broken:
        @hookimpl
        def tlx_tasks(self, register):
            register("a->b", "not a task")

    registry = Registry()
    registry.add(Broken(), "broken")
    with pytest.raises(PluginError, match="plugin 'broken': task 'a->b'"):
        registry.get("tasks", "a:b")
