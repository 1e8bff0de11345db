"""Texts of files and plugins as a terminal may have them."""

import re

_FORMULA = tuple("=+-@\t\r")  # what spreadsheets take a text for a formula by
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def printable(text: str) -> str:
    """A text of one line as a terminal may have it: what steers one, or turns the writing, is escaped ("\\x1b")."""
    return _CONTROL.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def printable_lines(text: str) -> str:
    """The same of a text of several lines."""
    return "\n".join(map(printable, text.split("\n")))


def no_formula(text: str) -> str:
    """A text of a CSV file: one that a spreadsheet would take for a formula has "'" before it."""
    return f"'{text}" if text.startswith(_FORMULA) else text
