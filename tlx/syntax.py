"""Python's parser, without a false alarm of CPython before 3.11.8 and 3.12.2."""

import ast
from typing import Any

TRIES = 5


def syntax_tree(text: str | bytes, mode: str = "exec") -> Any:
    """`ast.parse(text, mode=mode)`, tried again where CPython counts its own depth wrongly.

    There (gh-106905) one count serves the whole process, so a thread or a finalizer that parses meanwhile spoils it,
    and the parser raises SystemError in place of a tree that is right.

    Raises:
        SyntaxError, ValueError: of what is not Python.
    """
    for _ in range(TRIES - 1):
        try:
            return ast.parse(text, mode=mode)
        except SystemError:
            pass
    return ast.parse(text, mode=mode)
