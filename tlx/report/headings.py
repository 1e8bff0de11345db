"""How columns of tasks are headed: without what all have in common, which is said once."""

import os
import re
from collections.abc import Sequence
from typing import NamedTuple

Column = tuple[str, str, str]  # task, protocol, backbone
SIGNS = re.compile(r"(->|\+)")  # between the names of domains in a task's name
LONGEST = 40  # characters of a heading


class Headings(NamedTuple):
    """The heading of each column, notes on what these leave out, and whether they are but numbers."""

    texts: dict[Column, str]
    notes: list[str]
    numbered: bool


def headings(columns: Sequence[Column]) -> Headings:
    """Headings that are as short as can be: see `Headings`.

    A protocol or a backbone that all share is left out, and so is how the names of all domains begin, up to a "/" or a
    ":": "features:x/office:amazon->features:x/office:dslr" is headed "amazon->dslr". Where one is too long all the
    same, columns are headed "T1", "T2", ..., and the notes say what these are.
    """
    tasks = {column: SIGNS.split(column[0]) for column in columns}
    domains = {name for parts in tasks.values() for name in parts[::2]}
    begin = re.sub("[^/:]*$", "", os.path.commonprefix(sorted(domains))) if len(domains) > 1 else ""
    kinds = {place: {column[place] for column in columns} for place in (1, 2)}
    told = [place for place, names in kinds.items() if len(names) > 1]
    notes = [
        f"{kind} of all: {min(kinds[place])}" for place, kind in ((1, "protocol"), (2, "backbone")) if place not in told
    ]
    notes += [f"names of domains begin with {begin}"] if begin else []
    texts = {}
    for column, parts in tasks.items():
        task = "".join(part.removeprefix(begin) for part in parts)
        texts[column] = f"{task} ({', '.join(column[place] for place in told)})" if told else task
    if len(columns) < 2 or max(map(len, texts.values())) <= LONGEST:
        return Headings(texts, notes, False)
    numbers = {column: f"T{number}" for number, column in enumerate(columns, 1)}
    return Headings(numbers, notes + [f"{numbers[column]}: {text}" for column, text in texts.items()], True)
