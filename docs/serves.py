"""Which settings each strategy serves, read off its constants, its phases, and what its file uses."""

import sys
from collections.abc import Iterator
from typing import Any

from tlx.plugins import Entry, Registry
from tlx.testing import Probe

MADE, RUNS = "●", "○"
COLUMNS = (
    "closed", "partial", "open, universal", "new classes", "other shares", "several sources", "source-free", "stream",
    "labelled target", "real numbers",
)  # fmt: skip
SHARES = (
    *("tlx.ops.label_shift", "tlx.ops.imbalance", "tlx.ops.relaxed"),
    *("tlx.blocks.label_shift", "tlx.blocks.imbalanced"),
)


def facts(kind: Any) -> dict[str, Any]:
    """For a strategy class: by column `MADE`, `RUNS` or "", and what its phases and its prediction see, `sees`."""
    phases = Probe(kind(), domains=2).phases
    seen = frozenset[str]().union(*(phase.sees for phase in phases))
    learning = [phase for phase in phases if "source" in phase.sees]
    adapting = [phase for phase in phases if phase.sees & {"target", "labelled"}]
    draws = [phase.draw for phase in learning if isinstance(phase.draw, dict)]
    by_space = {
        name: RUNS if not kind.spaces else _mark(spaces & set(kind.spaces))
        for name, spaces in {
            "partial": {"partial"},
            "open, universal": {"open"},
            "new classes": {"discovery", "incremental"},
        }.items()
    }
    return {
        "closed": MADE if not kind.spaces or "closed" in kind.spaces else "",
        **by_space,
        "other shares": _mark(any(_uses(kind, module) for module in SHARES)),
        "several sources": MADE if {"source": "domain"} in draws else RUNS if learning else "",
        "source-free": _mark(learning and adapting and not any("source" in phase.sees for phase in adapting)),
        "stream": _mark(any(phase.online for phase in phases)),
        "labelled target": _mark("labelled" in seen),
        "real numbers": _mark(not kind.targets or "real" in kind.targets),
        "sees": seen,
    }


def _mark(does: object) -> str:
    return MADE if does else ""


def _uses(kind: type, module: str) -> bool:
    """Whether the file of a class, or of a base of it among the strategies, uses a name of a module."""
    homes = {base.__module__ for base in kind.__mro__ if not base.__module__.startswith("tlx.")}
    names = [thing for home in homes for thing in vars(sys.modules[home]).values()]
    return any(getattr(thing, "__module__", "") == module for thing in names)


def table(entries: list[Entry], registry: Registry) -> str:
    """The Markdown table of strategies by settings."""

    def rows() -> Iterator[list[str]]:
        yield ["strategy", "setting", *COLUMNS, "inputs"]
        yield ["---", "---", *[":---:"] * len(COLUMNS), "---"]
        for entry in entries:
            kind = registry.get("strategies", entry.name)
            told = facts(kind)
            yield [f"`{entry.name}`", kind.setting, *(told[name] for name in COLUMNS), ", ".join(kind.inputs) or "any"]

    return "\n".join(f"| {' | '.join(row)} |" for row in rows())
