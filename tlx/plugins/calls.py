"""How hooks are called: which entry points load, one plugin at a time, and a trace of each call."""

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib.metadata import EntryPoint
from typing import Any

from tlx.errors import UnknownName, nearest


class Relay:
    """Calls a hook of every plugin in turn; one that fails stops no other: `relay.tlx_run_started(spec=spec)`."""

    def __init__(self, hooks: Sequence[str], implementing: Callable[[str], Sequence[str]], call: Callable[..., None]):
        self._hooks, self._implementing, self._call = hooks, implementing, call

    def __getattr__(self, hook: str) -> Callable[..., None]:
        if hook not in self._hooks:
            raise AttributeError(f"there is no hook '{hook}'; nearest: {', '.join(nearest(hook, self._hooks))}")

        def relay(**arguments: Any) -> None:
            for plugin in self._implementing(hook):
                self._call(hook, plugin, **arguments)

        return relay


def picked(points: Iterable[EntryPoint], choice: str | None) -> list[EntryPoint]:
    """The entry points to load, tlx's own first: all, or those of `choice`, names with commas between.

    Raises:
        UnknownName: `choice` has a name that no entry point has.
    """
    points = sorted(points, key=lambda point: (_package(point) != "tlx", _package(point), point.name))
    if choice is None:
        return points
    names = {name.strip() for name in choice.split(",")} - {""}
    for name in sorted(names - {point.name for point in points}):
        raise UnknownName("plugin in TLX_PLUGINS:", name, {point.name for point in points})
    return [point for point in points if point.name in names]


def trace_call(hook: str, implementations: Sequence[Any], arguments: Mapping[str, Any]) -> None:
    """Prints one hook call to stderr."""
    plugins = ", ".join(item.plugin_name for item in implementations)
    text = ", ".join(f"{key}={_short(value)}" for key, value in arguments.items())
    print(f"tlx trace: {plugins}: {hook}({text})", file=sys.stderr)


def _package(point: EntryPoint) -> str:
    return point.dist.name if point.dist else ""


def _short(value: object) -> str:
    text = getattr(value, "__name__", None) or repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
