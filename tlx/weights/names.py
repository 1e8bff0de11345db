"""Maps from the names that others publish weights under to ours, as data."""

import re
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Names:
    """A map of tensor names: each rule is a regular expression of a whole published name, and our path for it.

    Our paths are those of the backbone's parameters ("stages/0/1/conv1/kernel") and running statistics ("bn1/mean",
    "bn1/var"); the classifier is "head/kernel" and "head/bias". The first rule that fits counts. `ignored` are regular
    expressions of published names that have no counterpart here.

    Example:
        Names((("fc.weight", "head/kernel"), (r"layer(\\d).bn.running_var", r"stages/\\1/bn/var")), (r".*steps",))
    """

    rules: tuple[tuple[str, str], ...]
    ignored: tuple[str, ...] = ()

    def path(self, name: str) -> str | None:
        """Our path of a published name; "" for one that is ignored, None for one that no rule fits."""
        if any(re.fullmatch(pattern, name) for pattern in self.ignored):
            return ""
        for pattern, path in self.rules:
            if found := re.fullmatch(pattern, name):
                return found.expand(path)
        return None

    def paths(self, names: Iterable[str]) -> dict[str, str | None]:
        """`path` of every name."""
        return {name: self.path(name) for name in names}
