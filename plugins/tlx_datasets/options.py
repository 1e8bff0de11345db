"""What follows a path in a dataset's name: "PATH?size=64&classes=none"."""

import re
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import unquote

from tlx import DataError, nearest

QUERY = re.compile(r"\w+=[^&]*(?:&\w+=[^&]*)*")
LARGEST = 4096


def parse(name: str, known: Sequence[str]) -> tuple[Path, dict[str, str]]:
    """The path and the options of the dataset `name`, "prefix:PATH" or "prefix:PATH?key=value&key=value".

    What a name cannot hold is written as in a URL: "%2B" for "+", "%26" for "&". A path that is there as it is written
    is taken so.

    Raises:
        DataError: no path, an option that is not among `known`, that comes twice or has no value.
    """
    prefix, _, rest = name.partition(":")
    text, mark, query = rest.rpartition("?")
    if not mark or not QUERY.fullmatch(query):
        text, query = rest, ""
    pairs = [pair.partition("=")[::2] for pair in query.split("&") if pair]
    for key, value in pairs:
        if key not in known:
            guess = " or ".join(nearest(key, known))
            hint = f"; nearest: {guess}" if guess else ""
            raise DataError(f"The dataset name '{name}': no option '{key}'; expected {', '.join(known)}{hint}.")
        if not value or sum(key == other for other, _ in pairs) > 1:
            raise DataError(f"The dataset name '{name}': '{key}' has no value or several; expected one, '{key}=...'.")
    if not text:
        raise DataError(f"The dataset name '{name}'; expected '{prefix}:PATH' or '{prefix}:PATH?{known[0]}=...'.")
    path = Path(text).expanduser()
    return path if path.exists() else Path(unquote(text)).expanduser(), {key: unquote(value) for key, value in pairs}


def size_of(name: str, options: dict[str, str], default: int) -> int:
    """The option `size`, in pixels. Raises DataError where it is none."""
    text = options.get("size", str(default))
    if not (text.isascii() and text.isdecimal() and 1 <= int(text[:9]) <= LARGEST):
        raise DataError(f"The dataset name '{name}': size is '{text}'; expected a whole number from 1 to {LARGEST}.")
    return int(text)


def without_classes(name: str, options: dict[str, str]) -> bool:
    """Whether `classes=none` says that no image has a label. Raises DataError where it says something else."""
    if (told := options.get("classes", "none")) != "none":
        raise DataError(f"The dataset name '{name}': classes is '{told}'; expected 'none', for images without labels.")
    return "classes" in options
