import pytest

from tlx.errors import SettingError
from tlx.runs.overrides import Overrides

EVERY = Overrides(
    {
        "a->b dann": {"recipe": {"lr": 4.0}},
        "a->b": {"recipe": {"lr": 3.0, "batch": 8}, "backbone": "cnn"},
        "dann": {"recipe": {"lr": 2.0, "steps": 7}, "settings": {"hidden": (3,)}},
        "a->c@P-1 mean": {"recipe": {"lr": 5.0}},
        "a->c@P-1": {"backbone": "mlp"},
    }
)


def test_the_later_of_strategy_task_and_both_wins_and_mappings_are_merged():
    assert EVERY.of("a->b", "P-1", "dann") == {
        "recipe": {"lr": 4.0, "batch": 8, "steps": 7},
        "settings": {"hidden": (3,)},
        "backbone": "cnn",
    }
    assert EVERY.of("a->b", "P-1", "mean") == {"recipe": {"lr": 3.0, "batch": 8}, "backbone": "cnn"}
    assert EVERY.of("a->b", "P-1") == EVERY.of("a->b", "P-1", "mean")
    assert EVERY.of("a->d", "P-1", "mean") == {}


def test_a_key_with_a_protocol_holds_under_it_alone():
    assert EVERY.of("a->c", "P-1", "mean") == {"backbone": "mlp", "recipe": {"lr": 5.0}}
    assert EVERY.of("a->c", "P-2", "mean") == {}
    shots = Overrides({"a->b@P-1/10": {"tolerance": 1.0}})
    assert shots.of("a->b/10", "P-1/10", "x") == {"tolerance": 1.0} and shots.of("a->b/20", "P-1/20", "x") == {}


def test_nothing_changes_what_was_given():
    before = {key: dict(change) for key, change in EVERY.items()}
    for strategy in ("dann", "mean"):
        EVERY.of("a->b", "P-1", strategy)["recipe"]["lr"] = 9.0
    assert EVERY == before


def test_others_are_added_and_win():
    both = Overrides({"dann": {"recipe": {"lr": 1.0, "batch": 2}}}) | {"dann": {"recipe": {"lr": 2.0}}, "x": {"b": 1}}
    assert both == {"dann": {"recipe": {"lr": 2.0, "batch": 2}}, "x": {"b": 1}}


def test_what_does_not_run_or_does_not_change_is_refused():
    fields = ("recipe", "settings", "backbone")
    EVERY.check("Suite 's'", ("a->b", "a->c", "a->c@P-1"), ("dann", "mean"), fields)
    with pytest.raises(SettingError, match="Suite 's': overrides has 'a->c@P-1 mean'.*nearest: "):
        EVERY.check("Suite 's'", ("a->b", "a->c@P-2"), ("dann", "mean"), fields)
    with pytest.raises(SettingError, match="overrides of 'x' has 'recipes'; expected recipe or settings or backbone"):
        Overrides({"x": {"recipes": {}}}).check("Suite 's'", ("a->b",), ("x",), fields)
