"""Fields of the recipe that one run has otherwise, from text or Python values, typed by the recipe."""

import json
import typing
from collections.abc import Mapping
from typing import Any

from tlx.engine.recipe import Recipe
from tlx.errors import SettingError, nearest
from tlx.runs.convert import as_text, convert, type_name
from tlx.runs.settings import ELSEWHERE, RECIPE_FIELDS, Settings, each_once, finite, key_values, option_of_its_own

SCALARS = (bool, int, float, str)


def parse_recipe(given: Settings, steps: int | None = None) -> dict[str, Any]:
    """The fields that `given` changes, a mapping or texts "key=value", and `steps` where they are a number.

    A field that holds pairs ("rates", "views", "options", ...) is in a text written as JSON.

    Raises:
        SettingError: not "key=value", an unknown field, one that comes twice, a wrong type or value.
    """
    try:
        pairs = key_values(given, "recipe field")
        pairs = each_once(pairs if steps is None else [*pairs, ("steps", steps)], "recipe field")
    except ValueError as error:
        raise SettingError(f"{error}.") from None
    hints = typing.get_type_hints(Recipe)
    return {key: _value(key, value, hints.get(key)) for key, value in pairs}


def recipe_texts(changes: Mapping[str, Any], with_steps: bool = False) -> tuple[str, ...]:
    """Changed fields as texts "key=value" that `parse_recipe` takes; the steps, which have an option, if asked."""
    texts = {key: as_text(value) if isinstance(value, SCALARS) else json.dumps(value) for key, value in changes.items()}
    return tuple(f"{key}={text}" for key, text in texts.items() if with_steps or key != "steps")


def _value(key: str, value: Any, hint: Any) -> Any:
    if key not in RECIPE_FIELDS:
        if key in ELSEWHERE:
            raise SettingError(f"The recipe has no field '{key}': {option_of_its_own(key)}")
        guess = nearest(key, RECIPE_FIELDS)
        known = f"Did you mean {' or '.join(guess)}?" if guess else f"Its fields: {', '.join(RECIPE_FIELDS)}."
        where = f"A setting of the strategy is given by --set {key}=VALUE, in Python by settings={{'{key}': ...}}."
        raise SettingError(f"The recipe has no field '{key}'. {known} {where}")
    try:
        if hint in SCALARS:
            made = finite(convert(value, hint, key, texts=True))
        else:
            made = json.loads(value) if isinstance(value, str) else value
        Recipe().replace(**{key: made})
    except (TypeError, ValueError, AttributeError):
        wanted = type_name(hint) if hint in SCALARS else "JSON, as in a result file"
        raise SettingError(f"recipe field '{key}': got {value!r:.60}, expected {wanted}.") from None
    return made
