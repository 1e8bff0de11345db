import pytest

from tlx.errors import SettingError
from tlx.runs.overrides import Overrides
from tlx.runs.suite import Suite


@pytest.mark.parametrize(
    ("key", "nearest"),
    [("maen", "mean"), ("other", "mean"), ("a->c mean", "a->b mean"), ("b->a", "a->b"), ("a->b@P", "a->b")],
)
def test_overrides_of_what_is_not_run_are_refused(key, nearest):
    with pytest.raises(SettingError, match=f"Suite 's': overrides has '{key}', which it does not run; .*{nearest}"):
        Suite("s", ("a->b",), ("mean",), overrides=Overrides({key: {"settings": {"weight": 1.0}}}))


def test_overrides_change_settings_the_recipe_and_the_backbone_alone():
    with pytest.raises(SettingError, match="Suite 's': overrides of 'mean' has 'lr'; expected settings or recipe or"):
        Suite("s", ("a->b",), ("mean",), overrides=Overrides({"mean": {"lr": 1.0}}))


def test_a_task_under_a_protocol_may_be_named_with_and_without_it():
    keys = ("a->c", "a->c@P-1", "a->c mean", "a->c@P-1 mean")
    Suite("s", ("a:c@P-1",), ("mean",), overrides=Overrides({key: {"backbone": "x"} for key in keys}))


@pytest.mark.parametrize("change", [{"tasks": ()}, {"strategies": "mean"}, {"seeds": 0}])
def test_empty_suites(change):
    fields = {"tasks": ("a->b",), "strategies": ("mean",)} | change
    with pytest.raises(SettingError, match=f"Suite 's': {next(iter(change))} is .*expected"):
        Suite("s", **fields)
