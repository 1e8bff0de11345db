"""Settings of a strategy, from text or Python values, typed by the strategy's fields."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tlx.engine.recipe import Recipe
from tlx.errors import SettingError, TlxError, nearest
from tlx.runs.convert import as_text, convert, type_name
from tlx.runs.spec import Setting

if TYPE_CHECKING:
    from tlx.contract import Strategy

Settings = Mapping[str, Any] | Sequence[str]
"""Settings by name, or texts "key=value"."""
RECIPE_FIELDS = tuple(field.name for field in dataclasses.fields(Recipe) if field.name != "name")
OPTIONS = ("lr", "batch", "optimizer", "steps")  # fields of the recipe that have an option of their own
ELSEWHERE = ("backbone", "epochs", "out", "recipe", "save", "seed", "seeds", "weights")
"""What says how a strategy runs, and is neither a setting nor a field of the recipe."""
PYTHON = {"seed": "seeds=[N]"}  # where an option has another name there


def parse_settings(strategy: type, settings: Settings, name: str = "") -> dict[str, Setting]:
    """Settings given as a mapping, or as texts "key=value", typed by the fields of the strategy class.

    `name` is what messages call the strategy; by default its class.

    Raises:
        SettingError: not "key=value", an unknown key, one that comes twice, a wrong type; the message lists the
            strategy's settings.
    """
    who = f"Strategy '{name or strategy.__name__}'"
    try:
        pairs = key_values(settings, "setting")
    except ValueError as error:
        raise SettingError(f"{who}: {error}. {describe(strategy)}") from None
    every = setting_fields(strategy)
    parsed = {}
    for key, value in pairs:
        if key not in every:
            raise SettingError(f"{who} has no setting '{key}'.{_hint(key, every)} {describe(strategy)}")
        try:
            parsed[key] = finite(convert(value, every[key][0], key, texts=True))
        except ValueError:
            wanted = type_name(every[key][0]) + (" that is finite" if every[key][0] is float else "")
            message = f"{who}, setting '{key}': got {value!r}, expected {wanted}."
            raise SettingError(f"{message} {describe(strategy)}") from None
    return parsed


def key_values(given: Settings, what: str) -> list[tuple[str, Any]]:
    """Settings as pairs of key and value, each key once; `what` is what messages call one.

    Raises:
        ValueError: a text that is not "key=value", a key that is no text, or one that comes twice.
    """
    if isinstance(given, Mapping):
        pairs = list(given.items())
    elif isinstance(given, str) or not isinstance(given, Sequence):
        raise ValueError(f"got the {what}s {given!r:.60}, expected a mapping, or a list of texts key=value")
    else:
        if bad := [text for text in given if not isinstance(text, str) or not text.partition("=")[1]]:
            raise ValueError(f"got the {what} '{bad[0]}', expected key=value")
        parts = [text.partition("=") for text in given]
        pairs = [(key.strip(), value.strip()) for key, _, value in parts]
    return each_once(pairs, what)


def each_once(pairs: list[tuple[str, Any]], what: str) -> list[tuple[str, Any]]:
    """The pairs of key and value, where each key is a text and comes once. Raises ValueError otherwise."""
    seen: dict[str, Any] = {}
    for key, value in pairs:
        if not isinstance(key, str):
            raise ValueError(f"got {key!r:.60} as the name of a {what}, expected a text")
        if key in seen:
            both = f"{as_text(seen[key])} and {as_text(value)}"
            raise ValueError(f"the {what} '{key}' is given twice, as {both}, expected it once")
        seen[key] = value
    return pairs


def finite(value: Any) -> Any:
    """The value itself. Raises ValueError for an infinite number, which no result file can hold."""
    if isinstance(value, float) and math.isinf(value):
        raise ValueError("infinite")
    return value


def make_strategy(
    strategy: type, settings: Mapping[str, Setting], name: str = ""
) -> tuple["Strategy", tuple[tuple[str, Setting], ...]]:
    """The strategy with these settings, of the right types, and all its settings sorted by name, defaults included.

    Raises:
        SettingError: the strategy itself refuses the values.
    """
    every = {
        key: settings[key] if key in settings else convert(default, hint, key)
        for key, (hint, default) in setting_fields(strategy).items()
    }
    try:
        return strategy(**every), tuple(sorted(every.items()))
    except (TlxError, KeyboardInterrupt):
        raise
    except BaseException as error:
        who = f"Strategy '{name or strategy.__name__}'"
        raise SettingError(f"{who} refuses its settings: {error} {describe(strategy)}") from error


def describe(strategy: type) -> str:
    """The strategy's settings with types and defaults, in one line."""
    every = setting_fields(strategy)
    fields = [f"{name}: {type_name(hint)} = {as_text(default)}" for name, (hint, default) in every.items()]
    return f"Its settings: {'; '.join(fields)}." if fields else "It has no settings."


def _hint(key: str, known: Sequence[str] | Mapping[str, Any]) -> str:
    """Where a setting belongs that the strategy lacks, or which is near to it."""
    if key in RECIPE_FIELDS:
        option = f"--{key} or " if key in OPTIONS else ""
        where = f"{option}--recipe-set {key}=VALUE, in Python recipe_set={{'{key}': ...}}"
        return f" {key} is a field of the recipe: expected {where}."
    if key in ELSEWHERE:
        return f" {option_of_its_own(key)}"
    guess = nearest(key, known)
    return f" Did you mean {' or '.join(guess)}?" if guess else ""


def option_of_its_own(key: str) -> str:
    """Where one of `ELSEWHERE` belongs."""
    return f"{key} is an option of its own: expected --{key}, in Python {PYTHON.get(key, f'{key}=...')}."


def setting_fields(strategy: type) -> dict[str, tuple[Any, Any]]:
    """The type and the default of each setting of a strategy class, by name."""
    from tlx.blocks.sums import fields  # JAX is behind it

    return fields(strategy)
