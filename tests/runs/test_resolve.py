import dataclasses
from typing import Any

import pytest

import tlx
from tlx.runs.resolve import make_spec, make_specs
from tlx.errors import PluginError, SettingError, UnknownName
from tlx.plugins import Registry

GIVEN: dict[str, Any] = {"backbone": "net", "recipe": "short", "seeds": 2}


def test_a_spec_is_complete(registry):
    spec = make_spec(registry, "a:b", "shift", settings=["depth=4"], changes={"steps": 9}, plugins=["p.py"], **GIVEN)
    assert (spec.task, spec.protocol, spec.seeds, spec.plugin_files) == ("a->b", "tiny-8", (0, 1), ("p.py",))
    assert dict(spec.settings) == {"depth": 4, "layers": (1, 2), "mode": "mean", "soft": False, "weight": 1.0}
    assert (spec.recipe.steps, spec.recipe.name) == (9, "short")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"task": "a->bb"}, "Unknown task 'a->bb'. Did you mean a->b"),
        ({"strategy": "shfit"}, "Unknown strategy 'shfit'. Did you mean shift"),
        ({"backbone": "nett"}, "Unknown backbone 'nett'. Did you mean net"),
        ({"recipe": "shrt"}, "Unknown recipe 'shrt'. Did you mean short"),
    ],
)
def test_unknown_names_come_with_the_nearest(registry, change, message):
    with pytest.raises(UnknownName, match=message):
        make_spec(registry, **({"task": "a->b", "strategy": "shift"} | GIVEN | change))


def test_wrong_numbers_and_recipe_fields(registry):
    with pytest.raises(SettingError, match="seeds is 0"):
        make_spec(registry, "a->b", "shift", **{**GIVEN, "seeds": 0})
    with pytest.raises(SettingError, match="'stepss'"):
        make_spec(registry, "a->b", "shift", changes={"stepss": 1}, **GIVEN)


def test_without_a_selector_nothing_could_be_scored(registry, monkeypatch):
    entries = Registry.entries
    monkeypatch.setattr(Registry, "entries", lambda self, kind: [] if kind == "selectors" else entries(self, kind))
    with pytest.raises(PluginError, match="No plugin brings a selector"):
        make_spec(registry, "a->b", "shift", **GIVEN)


def test_a_suite_goes_task_by_task(registry):
    suite = dataclasses.replace(
        registry.get("suites", "tiny"), settings={"shift": {"depth": 7}}, recipes={"shift": {"lr": 0.5}}
    )
    specs = make_specs(registry, suite)
    assert [spec.label for spec in specs] == [
        f"a->{target} {strategy}" for target in "bc" for strategy in ("source_only", "shift", "bad")
    ]
    assert [spec.recipe.lr for spec in specs[:3]] == [0.01, 0.5, 0.01]
    assert dict(specs[1].settings)["depth"] == 7
    assert {spec.suite for spec in specs} == {"tiny"}


def test_parts_of_a_suite_and_things_beside_it(registry):
    suite = dataclasses.replace(registry.get("suites", "tiny"), tasks=("a->b",), strategies=("source_only",))
    specs = make_specs(registry, suite, tasks="a:c", strategies="shift, bad,shift", seeds=5)
    assert [spec.label for spec in specs] == ["a->c shift", "a->c bad"]
    assert specs[0].seeds == (0, 1, 2, 3, 4)


def test_all_strategies(registry):
    specs = make_specs(registry, registry.get("suites", "tiny"), tasks="a:c", strategies="all")
    assert [spec.strategy for spec in specs] == [entry.name for entry in registry.entries("strategies")]


def test_weights_are_for_the_suites_own_backbone(registry, tmp_path):
    class Other:
        @tlx.hookimpl
        def tlx_backbones(self, register):
            register("other_net", lambda in_shape, rngs: None)

    registry.add(Other(), "other")
    source = tmp_path / "net.safetensors"
    source.write_bytes(b"x")
    suite = dataclasses.replace(
        registry.get("suites", "tiny"), weights=str(source), backbones={"a->c": "other_net"}, strategies=("shift",)
    )
    specs = make_specs(registry, suite)
    assert {spec.task: spec.weights for spec in specs} == {"a->b": str(source), "a->c": ""}
    assert {spec.task: len(spec.weights_sha256) for spec in specs} == {"a->b": 64, "a->c": 0}
    assert not any(spec.weights for spec in make_specs(registry, suite, weights=""))
