"""Settings of a strategy, from text or Python values, typed by the strategy's fields."""

import dataclasses
import types
import typing
from collections.abc import Mapping, Sequence
from typing import Any, Literal, Union

from tlx.runs.spec import Setting, written
from tlx.errors import SettingError, TlxError, nearest

WORDS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def parse_settings(strategy: type, settings: Mapping[str, Any] | Sequence[str], name: str = "") -> dict[str, Setting]:
    """Settings given as a mapping, or as texts "key=value", typed by the fields of the strategy class.

    `name` is what messages call the strategy; by default its class.

    Raises:
        SettingError: not "key=value", an unknown key, a wrong type; the message lists the strategy's settings.
    """
    who = f"Strategy '{name or strategy.__name__}'"
    if isinstance(settings, Mapping):
        pairs = list(settings.items())
    else:
        pairs = [tuple(part.strip() for part in text.partition("=")[::2]) for text in settings]
        if bad := [text for text in settings if "=" not in text]:
            raise SettingError(f"{who}: got the setting '{bad[0]}', expected key=value. {described(strategy)}")
    hints = _hints(strategy)
    parsed = {}
    for key, value in pairs:
        if key not in hints:
            guess = nearest(key, hints)
            hint = f" Did you mean {' or '.join(guess)}?" if guess else ""
            raise SettingError(f"{who} has no setting '{key}'.{hint} {described(strategy)}")
        try:
            parsed[key] = coerce(value, hints[key])
        except ValueError:
            wanted = _type_name(hints[key])
            message = f"{who}, setting '{key}': got {value!r}, expected {wanted}."
            raise SettingError(f"{message} {described(strategy)}") from None
    return parsed


def complete_settings(
    strategy: type, settings: Mapping[str, Any] | Sequence[str], name: str = ""
) -> tuple[tuple[str, Setting], ...]:
    """All settings of the strategy sorted by name: those given, and the defaults of the others.

    Raises:
        SettingError: as `parse_settings`; or the strategy itself refuses the values.
    """
    given = parse_settings(strategy, settings, name)
    defaults = {field.name: field.default for field in dataclasses.fields(strategy)}
    hints = _hints(strategy)
    try:
        every = {key: given[key] if key in given else coerce(value, hints[key]) for key, value in defaults.items()}
        strategy(**every)
    except TlxError:
        raise
    except Exception as error:
        who = f"Strategy '{name or strategy.__name__}'"
        raise SettingError(f"{who} refuses its settings: {error} {described(strategy)}") from error
    return tuple(sorted(every.items()))


def described(strategy: type) -> str:
    """The strategy's settings with types and defaults, in one line."""
    hints = _hints(strategy)
    shown = [f"{f.name}: {_type_name(hints[f.name])} = {written(f.default)}" for f in dataclasses.fields(strategy)]
    return f"Its settings: {'; '.join(shown)}." if shown else "It has no settings."


def coerce(value: Any, hint: Any) -> Any:
    """A value, or its text, as the annotated type: bool, int, float, str, tuple, Literal, a union of these, or None.

    Raises:
        ValueError: it does not fit.
    """
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin in (Union, types.UnionType):
        # text fits `str` always, so that comes last: "3" for `str | int` is 3
        for option in sorted(inner, key=lambda option: option is str):
            try:
                return coerce(value, option)
            except ValueError:
                continue
    elif origin is Literal:
        for option in inner:
            if value == option or value == written(option):
                return option
    elif hint is types.NoneType:
        if value is None or (isinstance(value, str) and value.lower() == "none"):
            return None
    elif origin is tuple or hint is tuple:
        return _tuple(value, inner)
    elif hint is bool:
        if isinstance(value, bool):
            return value
        if isinstance(value, str) and value.lower() in WORDS:
            return WORDS[value.lower()]
    elif hint is int:
        if type(value) is int or isinstance(value, str):
            return int(value)
    elif hint is float:
        if type(value) in (int, float) or isinstance(value, str):
            number = float(value)
            if number == number:
                return number
    elif hint is str and isinstance(value, str):
        return value
    raise ValueError(f"{value!r} is no {_type_name(hint)}")


def _tuple(value: Any, inner: tuple[Any, ...]) -> tuple[Any, ...]:
    if isinstance(value, str):
        value = [part.strip() for part in value.split(",") if part.strip()]
    if not isinstance(value, tuple | list):
        raise ValueError(f"{value!r} is no tuple")
    if not inner:
        return tuple(value)
    kinds = [inner[0]] * len(value) if inner[-1] is Ellipsis else inner
    return tuple(coerce(item, kind) for item, kind in zip(value, kinds, strict=True))


def _hints(strategy: type) -> dict[str, Any]:
    hints = typing.get_type_hints(strategy)
    return {field.name: hints[field.name] for field in dataclasses.fields(strategy)}


def _type_name(hint: Any) -> str:
    return hint.__name__ if isinstance(hint, type) and not typing.get_origin(hint) else str(hint).replace("typing.", "")
