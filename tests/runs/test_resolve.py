import dataclasses
from typing import Any

import pytest

import tlx
from tlx.errors import PluginError, SettingError, UnknownName
from tlx.plugins import Registry
from tlx.runs import resolve as module
from tlx.runs.overrides import Overrides
from tlx.runs.resolve import Lookup, rebuild, resolve, resolve_suite

GIVEN: dict[str, Any] = {"backbone": "net", "recipe": "short", "seeds": 2}


def specs(registry, suite, **options):
    return [job.spec for job in resolve_suite(Lookup(registry), suite, **options)]


def test_a_job_is_complete(registry):
    given = {"settings": ["depth=4"], "changes": {"steps": 9}, "plugins": ["p.py"]} | GIVEN
    [job] = resolve(Lookup(registry), "a:b", "shift", **given)
    spec = job.spec
    assert (spec.task, spec.protocol, spec.seeds, spec.plugin_files) == ("a->b", "tiny-8", (0, 1), ("p.py",))
    assert dict(spec.settings) == {"depth": 4, "layers": (1, 2), "mode": "mean", "soft": False, "weight": 1.0}
    assert (spec.recipe.steps, spec.recipe.name) == (9, "short")
    assert job.strategy == registry.get("strategies", "shift")(weight=1.0, depth=4)
    assert job.task is registry.get("tasks", "a->b") and job.backbone is registry.get("backbones", "net")


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
        resolve(Lookup(registry), **({"task": "a->b", "strategy": "shift"} | GIVEN | change))


def test_wrong_numbers_and_recipe_fields(registry):
    with pytest.raises(SettingError, match="seeds is 0"):
        resolve(Lookup(registry), "a->b", "shift", **{**GIVEN, "seeds": 0})
    with pytest.raises(SettingError, match="steps is 3000000000; expected a whole number .* at most 2147483647"):
        resolve(Lookup(registry), "a->b", "shift", changes={"steps": 3_000_000_000}, **GIVEN)
    with pytest.raises(SettingError, match="'stepss'"):
        resolve(Lookup(registry), "a->b", "shift", changes={"stepss": 1}, **GIVEN)


def test_epochs_are_passes_over_the_sources_train_rows(registry):
    lookup = Lookup(registry)
    rows = lookup.train_rows(registry.get("tasks", "a->b"))
    [job] = resolve(lookup, "a->b", "shift", epochs=2.5, changes={"batch": 3}, **GIVEN)
    assert rows > 3 and job.spec.recipe.steps == -(-5 * rows // 6) and "--steps" in job.spec.command
    [one] = resolve(lookup, "a->b", "shift", epochs=1e-9, **GIVEN)
    assert one.spec.recipe.steps == 1
    wrong: list[Any] = [0, -1, float("nan"), float("inf"), "2", True]
    for epochs in wrong:
        with pytest.raises(SettingError, match=r"epochs is .*; expected a number above 0"):
            resolve(lookup, "a->b", "shift", epochs=epochs, **GIVEN)
    with pytest.raises(SettingError, match="steps and epochs are two ways"):
        resolve(lookup, "a->b", "shift", epochs=1, changes={"steps": 4}, **GIVEN)


def test_without_a_selector_nothing_could_be_scored(registry, monkeypatch):
    entries = Registry.entries
    monkeypatch.setattr(Registry, "entries", lambda self, kind: [] if kind == "selectors" else entries(self, kind))
    with pytest.raises(PluginError, match="No plugin brings a selector"):
        resolve(Lookup(registry), "a->b", "shift", **GIVEN)


@pytest.fixture
def asked(registry, monkeypatch):
    """What the registry is asked for by name from outside, in order; and the names of tasks that are parsed."""
    asked, inside = [], [0]

    def count(name):
        method = getattr(Registry, name)

        def call(self, kind, key):
            asked.extend([(kind, key)] * (not inside[0]))
            inside[0] += 1
            try:
                return method(self, kind, key)
            finally:
                inside[0] -= 1

        monkeypatch.setattr(Registry, name, call)

    count("get")
    count("entry")
    return asked


def test_each_name_is_looked_up_once_on_the_way_from_a_name_to_a_result(registry, lab, asked):
    result = lab.run("a:b", "shift", **GIVEN)
    assert result.finished, result.traceback
    once = [("tasks", "a:b"), ("strategies", "shift"), ("backbones", "net"), ("recipes", "short"),
            ("selectors", "last"), ("selectors", "oracle")]  # fmt: skip
    assert {name: asked.count(name) for name in once} == dict.fromkeys(once, 1)
    # a dataset is looked for before anything runs; when the run is there, for a mark of its files, and to be loaded
    datasets = [("datasets", "a"), ("datasets", "b")]
    assert sorted(set(asked) - set(once)) == datasets and [asked.count(name) for name in datasets] == [3, 3]


def test_a_suite_looks_each_name_up_once(registry, asked):
    jobs = resolve_suite(Lookup(registry), registry.get("suites", "tiny"), strategies="shift,bad")
    assert len(jobs) == 4
    names = [("strategies", "shift"), ("strategies", "bad"), ("tasks", "a->b"), ("tasks", "a->c")]
    names += [("backbones", "net"), ("recipes", "short"), ("suites", "tiny")]
    assert sorted(name for name in asked if name[0] != "datasets") == sorted(names)


def test_no_setting_is_parsed_twice(registry, lab, monkeypatch):
    texts = []
    parse = module.parse_settings
    monkeypatch.setattr(module, "parse_settings", lambda kind, settings, name: texts.append(settings) or parse(
        kind, settings, name))  # fmt: skip
    lab.run("a:b", "shift", settings=["weight=2"], **GIVEN)
    assert texts == [["weight=2"]]


def test_a_suite_goes_task_by_task(registry):
    suite = dataclasses.replace(
        registry.get("suites", "tiny"),
        overrides=Overrides({"shift": {"settings": {"depth": 7}, "recipe": {"lr": 0.5}}}),
    )
    found = specs(registry, suite)
    assert [spec.label for spec in found] == [
        f"a->{target} {strategy}" for target in "bc" for strategy in ("source_only", "shift", "bad")
    ]
    assert [spec.recipe.lr for spec in found[:3]] == [0.01, 0.5, 0.01]
    assert dict(found[1].settings)["depth"] == 7
    assert {spec.suite for spec in found} == {"tiny"}


def test_overrides_by_protocol_hold_for_a_task_whose_protocol_is_not_named(registry):
    suite = dataclasses.replace(
        registry.get("suites", "tiny"),
        tasks=("a->b@tiny-8",),
        overrides=Overrides({"a->b@tiny-8": {"recipe": {"lr": 9.0}}}),
    )
    assert {spec.recipe.lr for spec in specs(registry, suite, tasks="a:b")} == {9.0}


def test_parts_of_a_suite_and_things_beside_it(registry):
    suite = dataclasses.replace(registry.get("suites", "tiny"), tasks=("a->b",), strategies=("source_only",))
    found = specs(registry, suite, tasks="a:c", strategies="shift, bad,shift", seeds=5)
    assert [spec.label for spec in found] == ["a->c shift", "a->c bad"]
    assert found[0].seeds == (0, 1, 2, 3, 4)


def test_all_strategies(registry):
    found = specs(registry, registry.get("suites", "tiny"), tasks="a:c", strategies="all")
    assert [spec.strategy for spec in found] == [entry.name for entry in registry.entries("strategies")]


def test_all_strategies_are_those_for_the_label_space(registry):
    """The trap: a suite of all strategies that fails at those for other tasks than its own."""

    @tlx.strategy
    class Open(tlx.Strategy):
        """For open sets."""

        spaces = ("open",)

    class Plugin:
        @tlx.hookimpl
        def tlx_strategies(self, register):
            register("for_open_sets", Open)

    registry.add(Plugin(), "open")
    tiny = registry.get("suites", "tiny")
    assert "for_open_sets" not in {spec.strategy for spec in specs(registry, tiny, tasks="a:c", strategies="all")}
    assert specs(registry, tiny, tasks="a:c", strategies="for_open_sets")  # refused when it runs


def test_weights_are_for_the_suites_own_backbone(registry, tmp_path):
    class Other:
        @tlx.hookimpl
        def tlx_backbones(self, register):
            register("other_net", lambda in_shape, rngs: None)

    registry.add(Other(), "other")
    source = tmp_path / "net.safetensors"
    source.write_bytes(b"x")
    suite = dataclasses.replace(
        registry.get("suites", "tiny"),
        weights=str(source),
        overrides=Overrides({"a->c": {"backbone": "other_net"}}),
        strategies=("shift",),
    )
    found = specs(registry, suite)
    assert {spec.task: spec.backbone for spec in found} == {"a->b": "net", "a->c": "other_net"}
    assert {spec.task: spec.weights for spec in found} == {"a->b": str(source), "a->c": ""}
    assert {spec.task: len(spec.weights_sha256) for spec in found} == {"a->b": 64, "a->c": 0}
    assert not any(spec.weights for spec in specs(registry, suite, weights=""))


def test_a_job_is_rebuilt_from_its_spec(registry, job_of, monkeypatch):
    job = job_of("a:c@tiny-8/2", settings={"weight": 3.0}, plugins=["mine.py"])
    files = []
    monkeypatch.setattr(module, "load_registry", lambda names: files.append(names) or registry)
    for again in (rebuild(job.spec), rebuild(job.spec, registry)):
        assert (again.spec, again.strategy, again.task) == (job.spec, job.strategy, job.task)
        assert again.backbone is job.backbone
    assert files == [("mine.py",)]


def test_groups_are_of_jobs_that_differ_in_floats_alone(job_of):
    jobs = [
        job_of(settings={"weight": 1.0}),
        job_of("a->c"),
        job_of(settings={"weight": 2.0}),
        job_of(settings={"depth": 3}),
        job_of(changes={"lr": 0.5}),
        job_of(changes={"steps": 9}),
        job_of(strategy="bad"),
        job_of(seeds=1),
    ]
    groups = module.in_groups(jobs)
    assert [[jobs.index(job) for job in group] for group in groups] == [[0, 2, 4], [1], [3], [5], [6], [7]]
