import pytest

from tlx.bench.suite import Suite
from tlx.errors import SettingError


def test_settings_for_a_strategy_that_is_not_run():
    with pytest.raises(SettingError, match="settings has 'maen'.*nearest: mean"):
        Suite("s", ("a->b",), ("mean",), settings={"maen": {"weight": 1.0}})
    with pytest.raises(SettingError, match="recipes has 'other'.*nearest: mean"):
        Suite("s", ("a->b",), ("mean",), recipes={"other": {"lr": 1.0}})


@pytest.mark.parametrize("change", [{"tasks": ()}, {"strategies": "mean"}, {"seeds": 0}])
def test_empty_suites(change):
    fields = {"tasks": ("a->b",), "strategies": ("mean",)} | change
    with pytest.raises(SettingError, match=f"Suite 's': {next(iter(change))} is .*expected"):
        Suite("s", **fields)
