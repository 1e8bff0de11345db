"""Small members of a family of backbones, which the conformance checks compile in place of the large ones."""

import functools
from typing import Any


@functools.cache
def shrunk(kind: type, **attributes: Any) -> type:
    """The subclass of a backbone with other class attributes; the same one at every call with the same ones."""
    return type(f"Tiny{kind.__name__}", (kind,), {"__doc__": kind.__doc__, "__module__": kind.__module__, **attributes})
