"""JSON values and texts as objects of annotated types, and objects as JSON values."""

import dataclasses
import types
import typing
from collections.abc import Mapping
from typing import Any, Literal, Union

OPTIONAL = {"optional": True}
"""Metadata of a dataclass field that JSON leaves out where it has its default."""

WORDS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def convert(value: Any, hint: Any, where: str = "", texts: bool = False) -> Any:
    """`value` as an object of the annotated type `hint`: scalars, tuples, lists, dicts, literals, unions, dataclasses.

    An int will do for a float, and a list for a tuple. A class with its own `from_json` is asked. With `texts`, a text
    will do for what it says: "0.5", "true", "none", "1,2". `where` is the place of the value, for messages.

    Raises:
        ValueError: a missing or unknown field, or a value of another type; the message names its place.
    """
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any:
        return value
    if origin in (Union, types.UnionType):
        # a text fits `str` always, so that comes last: "3" for `str | int` is 3
        for option in sorted(inner, key=lambda option: option is str):
            try:
                return convert(value, option, where, texts)
            except ValueError:
                continue
    elif origin is Literal:
        for option in inner:
            if (value == option and type(value) is type(option)) or (texts and value == as_text(option)):
                return option
    elif hint in (tuple, list) or origin in (tuple, list):
        if texts and isinstance(value, str):
            value = [part.strip() for part in value.split(",") if part.strip()]
        if isinstance(value, tuple | list):
            items = _items(value, inner, where, texts)
            return tuple(items) if tuple in (hint, origin) else items
    elif origin is dict and isinstance(value, dict):
        return {key: convert(item, inner[1], f"{where}.{key}".strip("."), texts) for key, item in value.items()}
    elif isinstance(value, dict) and (own := getattr(hint, "from_json", None)):
        return own(value)
    elif isinstance(value, dict) and dataclasses.is_dataclass(hint):
        return convert_fields(value, hint, where)
    elif hint is types.NoneType:
        if value is None or (texts and isinstance(value, str) and value.lower() == "none"):
            return None
    elif type(value) is hint:
        if value == value:  # a NaN is no number
            return value
    elif hint is float and type(value) is int:
        return float(value)
    elif texts and isinstance(value, str) and hint in (bool, int, float):
        return _parse(value, hint)
    raise ValueError(f"{where or 'value'}: got {value!r:.60}; expected {type_name(hint)}")


def convert_fields(value: Mapping[str, Any], hint: Any, where: str = "") -> Any:
    """A dataclass from a dict of its fields; those marked `OPTIONAL` may be missing.

    Raises:
        ValueError: as `convert`.
    """
    hints = typing.get_type_hints(hint)
    optional = {field.name for field in dataclasses.fields(hint) if field.metadata.get("optional")}
    names = {field.name for field in dataclasses.fields(hint)} - (optional - set(value))
    if odd := sorted(names ^ set(value)):
        raise ValueError(f"{where or hint.__name__}: missing or unknown fields {', '.join(odd)}")
    return hint(**{key: convert(item, hints[key], f"{where}.{key}".strip(".")) for key, item in value.items()})


def to_json(value: Any) -> Any:
    """The JSON values of an object: a dict of a dataclass, a list of a tuple; a class with its own `to_json` is asked.

    A field marked `OPTIONAL` is left out where it has its default.
    """
    if own := getattr(value, "to_json", None):
        return own()
    if dataclasses.is_dataclass(value):
        return fields_to_json(value)
    if isinstance(value, dict):
        return {key: to_json(item) for key, item in value.items()}
    return [to_json(item) for item in value] if isinstance(value, tuple | list) else value


def fields_to_json(value: Any) -> dict[str, Any]:
    """The dict of a dataclass, as `to_json`."""
    return {
        field.name: to_json(getattr(value, field.name))
        for field in dataclasses.fields(value)
        if not (field.metadata.get("optional") and getattr(value, field.name) == default(field))
    }


def as_text(value: Any) -> str:
    """A value as the command line takes it: `true`, `0.5`, `none`, `1,2`."""
    if isinstance(value, tuple):
        return ",".join(as_text(item) for item in value)
    return str(value).lower() if isinstance(value, bool) or value is None else str(value)


def type_name(hint: Any) -> str:
    """An annotated type, as messages write it."""
    return hint.__name__ if isinstance(hint, type) and not typing.get_origin(hint) else str(hint).replace("typing.", "")


def _items(values: tuple | list, inner: tuple[Any, ...], where: str, texts: bool) -> list[Any]:
    if not inner:
        return list(values)
    endless = len(inner) == 1 or inner[-1] is Ellipsis
    kinds = [inner[0]] * len(values) if endless else inner
    if len(kinds) != len(values):
        raise ValueError(f"{where or 'value'}: got {len(values)} items; expected {len(kinds)}")
    pairs = enumerate(zip(values, kinds, strict=True))
    return [convert(item, kind, f"{where}[{index}]", texts) for index, (item, kind) in pairs]


def _parse(text: str, hint: type) -> Any:
    """The bool or the number that a text says. Raises ValueError where it says none."""
    if hint is bool:
        if text.lower() in WORDS:
            return WORDS[text.lower()]
    elif (number := hint(text)) == number:
        return number
    raise ValueError(f"got '{text}'; expected {hint.__name__}")


def default(field: dataclasses.Field) -> Any:
    """The default of a field of a dataclass."""
    return field.default if field.default_factory is dataclasses.MISSING else field.default_factory()
