"""Errors that name the thing, what was got, what was expected or exists, and the nearest guess.

The command line prints the message of a `TlxError` without a traceback (`--debug` shows it).
"""

import difflib
from collections.abc import Iterable

_MOST = 20  # names in a message


class TlxError(Exception):
    """Base of every error that tlx raises on purpose; its message is written for the user."""


class UnknownName(TlxError):
    """A task, strategy, backbone, ... that no loaded plugin registers."""

    def __init__(self, kind: str, got: str, known: Iterable[str]):
        self.kind, self.got, self.known = kind, got, sorted(known)
        guess = nearest(got, self.known)
        few = ", ".join(self.known[:_MOST]) or "none"
        more = f", and {len(self.known) - _MOST} more: tlx list" if len(self.known) > _MOST else ""
        hint = f"Did you mean {' or '.join(guess)}?" if guess else f"There are: {few}{more}."
        super().__init__(f"Unknown {kind} '{got}'. {hint}")


class SettingError(TlxError):
    """A setting with a wrong key, type or value."""


class ContractError(TlxError):
    """A strategy, backbone or dataset that breaks the contract: wrong shape, changed tree, unknown group."""


class NotShownError(ContractError):
    """A strategy that reads what its phase or its task does not show."""


class PluginError(TlxError):
    """A plugin that fails to import, registers a name twice, or registers the wrong type."""


class DataError(TlxError):
    """Data that are absent, damaged, or do not fit the task."""


class DataAbsent(DataError):
    """Data that are not on this machine; the message says how to get them. A suite reports such tasks and goes on."""


class WeightsError(TlxError):
    """Weights that cannot be read, are damaged, or do not fit the backbone; the message names the file or tensors."""


class ResultError(TlxError):
    """A results folder or file that cannot be read or written."""


class SlowWarning(UserWarning):
    """Something that works and takes far longer than it need; the message names the remedy."""


def nearest(name: str, known: Iterable[str], count: int = 3) -> list[str]:
    """The names of `known` nearest to `name`, best first; empty where none is near."""
    by_fold = {item.casefold(): item for item in known}
    found = difflib.get_close_matches(name.casefold(), by_fold, n=count, cutoff=0.5)
    return [by_fold[item] for item in found]
