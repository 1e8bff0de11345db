import pytest

from tlx.runs.suite import Suite
from tlx.errors import SettingError


def test_settings_for_a_strategy_that_is_not_run():
    with pytest.raises(SettingError, match="settings has 'maen'.*nearest: mean"):
        Suite("s", ("a->b",), ("mean",), settings={"maen": {"weight": 1.0}})
    with pytest.raises(SettingError, match="recipes has 'other'.*nearest: mean"):
        Suite("s", ("a->b",), ("mean",), recipes={"other": {"lr": 1.0}})
    with pytest.raises(SettingError, match="recipes has 'a->c mean'.*nearest: a->b mean"):
        Suite("s", ("a->b",), ("mean",), recipes={"a->c mean": {"lr": 1.0}})
    with pytest.raises(SettingError, match="backbones has 'b->a', which it does not run; nearest: a->b"):
        Suite("s", ("a->b",), ("mean",), backbones={"b->a": "dtn"})


def test_recipes_and_backbones_by_task_and_by_both():
    suite = Suite(
        "s",
        ("a:b", "a->c@P-1"),
        ("mean", "dann"),
        backbone="lenet",
        recipes={
            "a->b dann": {"lr": 4.0},
            "a->b": {"lr": 3.0, "batch": 8},
            "dann": {"lr": 2.0, "steps": 7},
            "a->c@P-1 mean": {"lr": 5.0},
        },
        backbones={"a->c": "dtn"},
    )
    assert suite.changes("a:b", "dann") == {"lr": 4.0, "batch": 8, "steps": 7}
    assert suite.changes("a->b@P-1", "mean") == {"lr": 3.0, "batch": 8}
    assert (suite.changes("a->c", "mean"), suite.changes("a:c@P-1", "mean")) == ({}, {"lr": 5.0})
    assert suite.backbone_of("a:b") == "lenet"
    assert suite.backbone_of("a->c") == suite.backbone_of("a : c @ P-1") == "dtn"


def test_settings_and_backbones_by_strategy_and_by_both():
    suite = Suite(
        "s",
        ("a->b", "a->c@P-1"),
        ("mean", "dann"),
        settings={"mean": {"weight": 1.0, "rate": 2.0}, "a->b mean": {"weight": 3.0}},
        backbones={"dann": "dtn", "a->c": "cnn", "a->c@P-1 dann": "mlp"},
    )
    assert suite.settings_of("a:b", "mean") == {"weight": 3.0, "rate": 2.0}
    assert (suite.settings_of("a->c", "mean"), suite.settings_of("a->b", "dann")) == (suite.settings["mean"], {})
    backbones = [suite.backbone_of(*run) for run in (("a->b", "mean"), ("a->b", "dann"), ("a->c", "dann"))]
    assert backbones == ["lenet", "dtn", "cnn"] and suite.backbone_of("a->c@P-1", "dann") == "mlp"
    with pytest.raises(SettingError, match="settings has 'a->b'"):
        Suite("s", ("a->b",), ("mean",), settings={"a->b": {"weight": 1.0}})


@pytest.mark.parametrize("change", [{"tasks": ()}, {"strategies": "mean"}, {"seeds": 0}])
def test_empty_suites(change):
    fields = {"tasks": ("a->b",), "strategies": ("mean",)} | change
    with pytest.raises(SettingError, match=f"Suite 's': {next(iter(change))} is .*expected"):
        Suite("s", **fields)
