"""Settings of a strategy, from text or Python values, typed by the strategy's fields."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tlx.errors import SettingError, TlxError, nearest
from tlx.runs.convert import as_text, convert, type_name
from tlx.runs.spec import Setting

if TYPE_CHECKING:
    from tlx.contract import Strategy

Settings = Mapping[str, Any] | Sequence[str]
"""Settings by name, or texts "key=value"."""


def parse_settings(strategy: type, settings: Settings, name: str = "") -> dict[str, Setting]:
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
            raise SettingError(f"{who}: got the setting '{bad[0]}', expected key=value. {describe(strategy)}")
    every = setting_fields(strategy)
    parsed = {}
    for key, value in pairs:
        if key not in every:
            guess = nearest(key, every)
            hint = f" Did you mean {' or '.join(guess)}?" if guess else ""
            raise SettingError(f"{who} has no setting '{key}'.{hint} {describe(strategy)}")
        try:
            parsed[key] = convert(value, every[key][0], key, texts=True)
        except ValueError:
            wanted = type_name(every[key][0])
            message = f"{who}, setting '{key}': got {value!r}, expected {wanted}."
            raise SettingError(f"{message} {describe(strategy)}") from None
    return parsed


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
    except TlxError:
        raise
    except Exception as error:
        who = f"Strategy '{name or strategy.__name__}'"
        raise SettingError(f"{who} refuses its settings: {error} {describe(strategy)}") from error


def describe(strategy: type) -> str:
    """The strategy's settings with types and defaults, in one line."""
    every = setting_fields(strategy)
    fields = [f"{name}: {type_name(hint)} = {as_text(default)}" for name, (hint, default) in every.items()]
    return f"Its settings: {'; '.join(fields)}." if fields else "It has no settings."


def setting_fields(strategy: type) -> dict[str, tuple[Any, Any]]:
    """The type and the default of each setting of a strategy class, by name."""
    from tlx.blocks.sums import fields  # JAX is behind it

    return fields(strategy)
