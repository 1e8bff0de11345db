"""What the extras named on the command line need, a line each: installing tlx again would compile its kernels again."""

import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

extras = tomllib.loads(Path("pyproject.toml").read_text())["project"]["optional-dependencies"]


def needs(name: str) -> Iterator[str]:
    """The requirements of an extra, those of the extras that it includes in their place."""
    for item in extras[name]:
        if item.startswith("tlx["):
            for inner in item[len("tlx[") : -1].split(","):
                yield from needs(inner)
        else:
            yield item


print(*dict.fromkeys(item for name in sys.argv[1:] for item in needs(name)), sep="\n")
