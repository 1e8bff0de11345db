"""JSON values into dataclasses, checked against their annotations."""

import dataclasses
import types
import typing
from typing import Any, Literal, TypeVar, Union

T = TypeVar("T")


def build(hint: type[T] | Any, value: Any, where: str = "") -> T | Any:
    """`value`, as it came from JSON, as an object of the annotated type `hint`.

    A class with its own `from_json` is asked; other dataclasses are built from a dict with exactly their fields, but
    for those with `may_miss` in their metadata, which keep their default where they are missing. Lists become tuples
    where the annotation says so, and an int will do for a float.

    Raises:
        ValueError: a missing or unknown field, or a value of another type; the message names its place.
    """
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any:
        return value
    if origin in (Union, types.UnionType):
        for option in inner:
            try:
                return build(option, value, where)
            except ValueError:
                continue
    elif origin is Literal:
        if value in inner:
            return value
    elif origin in (tuple, list) and isinstance(value, list):
        return origin(build(inner[0], item, f"{where}[{index}]") for index, item in enumerate(value))
    elif origin is dict and isinstance(value, dict):
        return {key: build(inner[1], item, f"{where}.{key}") for key, item in value.items()}
    elif isinstance(value, dict) and (own := getattr(hint, "from_json", None)):
        return own(value)
    elif isinstance(value, dict) and dataclasses.is_dataclass(hint):
        hints = typing.get_type_hints(hint)
        late = {field.name for field in dataclasses.fields(hint) if field.metadata.get("may_miss")} - set(value)
        names = [field.name for field in dataclasses.fields(hint) if field.name not in late]
        if odd := sorted(set(names) ^ set(value)):
            raise ValueError(f"{where or hint.__name__}: missing or unknown fields {', '.join(odd)}")
        return hint(**{name: build(hints[name], item, f"{where}.{name}".strip(".")) for name, item in value.items()})
    elif hint is float and type(value) is int:
        return float(value)
    elif hint in (int, float, str, bool, types.NoneType) and type(value) is hint:
        return value
    raise ValueError(f"{where or 'value'}: got {value!r:.60}; expected {getattr(hint, '__name__', hint)}")
