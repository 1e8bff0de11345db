import dataclasses
from typing import Literal

import pytest

from tlx.errors import SettingError
from tlx.runs.convert import convert
from tlx.runs.settings import describe, make_strategy, parse_settings


@pytest.fixture
def shift(registry):
    return registry.get("strategies", "shift")


def test_texts_are_typed_by_the_fields(shift):
    texts = ["weight=1e-1", "depth = 3", "soft=true", "layers=4,5", "mode=a=b"]
    expected = {"weight": 0.1, "depth": 3, "soft": True, "layers": (4, 5), "mode": "a=b"}
    assert parse_settings(shift, texts) == expected


def test_python_values_are_checked_too(shift):
    found = parse_settings(shift, {"weight": 2, "layers": [3]})
    assert found == {"weight": 2.0, "layers": (3,)} and isinstance(found["weight"], float)


def test_unknown_key_names_strategy_nearest_key_and_all_settings(shift):
    with pytest.raises(SettingError) as caught:
        parse_settings(shift, ["wieght=1"], "shift")
    text = str(caught.value)
    assert "Strategy 'shift' has no setting 'wieght'. Did you mean weight?" in text
    assert (
        "weight: float = 1; depth: int = 2; soft: bool = false; layers: tuple[int, ...] = 1,2; mode: str = mean" in text
    )


@pytest.mark.parametrize(
    "bad", ["weight=heavy", "weight=nan", "depth=1.5", "soft=maybe", "layers=1,x", {"depth": True}, {"mode": 3}]
)
def test_wrong_type_names_setting_value_and_type(shift, bad):
    key, value = bad.split("=") if isinstance(bad, str) else next(iter(bad.items()))
    with pytest.raises(SettingError, match=rf"setting '{key}': got {value!r}, expected .*Its settings: weight: float"):
        parse_settings(shift, [bad] if isinstance(bad, str) else bad)


def test_text_without_equals_sign(shift):
    with pytest.raises(SettingError, match="got the setting 'weight', expected key=value"):
        parse_settings(shift, ["weight"])


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (["weight=1", "weight=2"], "the setting 'weight' is given twice, as 1 and 2, expected it once"),
        (["lr=0.1"], "lr is a field of the recipe: expected --lr or --recipe-set lr=VALUE, in Python recipe_set="),
        (["rounds=3"], "rounds is a field of the recipe: expected --recipe-set rounds=VALUE"),
        (["backbone=net"], "backbone is an option of its own: expected --backbone"),
        (["weight=inf"], "got 'inf', expected float that is finite"),
    ],
)
def test_no_setting_is_lost(shift, settings, told):
    with pytest.raises(SettingError) as caught:
        parse_settings(shift, settings, "shift")
    assert told in str(caught.value)


def test_a_strategy_has_all_settings_and_they_hold_the_defaults_in_order(shift):
    made, found = make_strategy(shift, parse_settings(shift, ["depth=5"]))
    assert made == shift(weight=1.0, depth=5)
    assert found == (("depth", 5), ("layers", (1, 2)), ("mode", "mean"), ("soft", False), ("weight", 1.0))
    assert isinstance(dict(found)["weight"], float)  # its default is written `1`


def test_a_strategy_that_refuses_a_value(shift):
    with pytest.raises(SettingError, match="Strategy 'shift' refuses its settings: weight is below 0"):
        make_strategy(shift, {"weight": -1.0}, "shift")


def test_no_settings(registry):
    assert describe(registry.get("strategies", "bad")) == "It has no settings."


@pytest.mark.parametrize(
    ("value", "hint", "expected"),
    [
        ("none", float | None, None),
        ("0.5", float | None, 0.5),
        ("3", str | int, 3),
        ("b", Literal["a", "b"], "b"),
        ("2", Literal[1, 2], 2),
        ("1,2", tuple[int, float], (1, 2.0)),
        ("a, b", tuple, ("a", "b")),
        ("", tuple[int, ...], ()),
        ("no", bool, False),
    ],
)
def test_texts_say_what_the_type_asks_for(value, hint, expected):
    found = convert(value, hint, texts=True)
    assert found == expected and type(found) is type(expected)


@pytest.mark.parametrize(
    ("value", "hint"), [("c", Literal["a"]), ("1,2,3", tuple[int, int]), ("x", int | None), (3, tuple)]
)
def test_texts_of_another_type_are_refused(value, hint):
    with pytest.raises(ValueError):
        convert(value, hint, texts=True)


def test_annotations_that_are_strings():
    @dataclasses.dataclass(frozen=True)
    class Late:
        weight: "float" = 0.5

    assert parse_settings(Late, ["weight=2"]) == {"weight": 2.0}
