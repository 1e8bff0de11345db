"""The names of corrupted sets: "gaussian_noise/5"."""

import re

from tlx import DataError


def parse(prefix: str, name: str) -> tuple[str, int]:
    """The corruption and the severity. Raises DataError where the name is no "corruption/severity"."""
    match = re.fullmatch(r"(\w+)/([1-5])", name)
    if match is None:
        raise DataError(f"The dataset '{prefix}:{name}'; expected '{prefix}:gaussian_noise/5', severity 1 to 5.")
    return match[1], int(match[2])
