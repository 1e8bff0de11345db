"""The names of datasets and tasks: one grammar for the command line, plugins, suites and results.

    task     = [source {"+" source} "->"] target {"->" target} ["@" protocol] ["/" shots]
    dataset  = word | prefix ":" rest                 mnist, office-31.amazon, tfds:emnist/digits, folder:/my data/a
    word     = letters, digits and _, with . or - inside

A task without a source, as "cifar10/100", trains on the labelled rows of its target alone. "->cifar10/100" is the same,
and has to be written so where a colon would be read as an arrow ("->tfds:cifar10"), but for a registry that knows
`tfds:` to be a prefix.

"a->b->c" has two targets, b and then c; "->b->c" has them without a source.

"→" may stand for "->", and so may ":" between plain words (`mnist:usps`). Spaces around the parts mean nothing;
inside a rest they belong to it. A rest holds neither "+", "->", "→" nor a line break, and has no space at its ends.
Shots after a target with a prefix need a protocol before them: "a->folder:/b/10" is the folder /b/10, and
"a->folder:/b@P-28/10" is the folder /b with ten labelled rows per class.
"""

import re
from typing import NamedTuple

from tlx.errors import DataError

WORD = r"[A-Za-z0-9_]+(?:[.-][A-Za-z0-9_]+)*"
REST = r"[^\s+](?:[^\x00-\x1f+\x7f\x85\u2028\u2029]*[^\s+])?"
NAME = re.compile(rf"{WORD}|[A-Za-z][A-Za-z0-9_]*:{REST}")
AFTER = rf"(?:\s*@\s*(?P<protocol>{WORD}))?(?:\s*/\s*(?P<shots>[1-9][0-9]*))?"
PLAIN = re.compile(rf"(?P<target>{WORD}){AFTER}")
PREFIXED = re.compile(rf"(?P<target>[A-Za-z][A-Za-z0-9_]*:.+?)(?:(?=\s*@){AFTER})?", re.DOTALL)
ARROW = re.compile("->|→")


class TaskName(NamedTuple):
    """The parts of a task's name; `str` gives its normal form. A task may have no source."""

    sources: tuple[str, ...]
    targets: tuple[str, ...]
    protocol: str | None = None
    shots: int | None = None

    def __str__(self) -> str:
        protocol = "" if self.protocol is None else f"@{self.protocol}"
        shots = "" if self.shots is None else f"/{self.shots}"
        after = f"{'->'.join(self.targets)}{protocol}{shots}"
        bare = not self.sources and len(self.targets) == 1 and _alone(after)
        return after if bare else f"{'+'.join(self.sources)}->{after}"


def parse(text: str) -> TaskName:
    """The parts of a task's name.

    Raises:
        DataError: not the name of a task, a source or target that comes twice, or a target among the sources.
    """
    sides = ARROW.split(text)
    if len(sides) == 1:
        if text.count(":") > 1:
            raise DataError(f"Task name '{text}'; expected '->' between source and target where a name holds ':'.")
        sides = ["", text] if _alone(text) else text.split(":")
    sources = tuple(name.strip() for name in sides[0].split("+")) if sides[0].strip() else ()
    *before, last = (side.strip() for side in sides[1:])
    match = PLAIN.fullmatch(last) or PREFIXED.fullmatch(last)
    if match is None or not all(map(is_name, (*sources, *before, match["target"]))):
        raise _malformed(text)
    targets = (*before, match["target"])
    for role, names in (("source", sources), ("target", targets)):
        if len(set(names)) < len(names):
            raise DataError(f"Task name '{text}': a {role} comes twice; expected different {role}s.")
    if both := [name for name in targets if name in sources]:
        raise DataError(f"Task name '{text}': '{both[0]}' is source and target; expected different datasets.")
    return TaskName(sources, targets, match["protocol"], int(match["shots"]) if match["shots"] else None)


def task_name(text: str) -> str:
    """The normal form of a task's name: "a + b : c @ P-28 / 10" -> "a+b->c@P-28/10". Raises DataError, as `parse`."""
    return str(parse(text))


def _alone(text: str) -> bool:
    """Whether a text without an arrow has no source: its colon, if any, is that of a name with a prefix."""
    return ":" not in text or (text.count(":") == 1 and PLAIN.fullmatch(text.split(":")[1].strip()) is None)


def is_name(text: str) -> bool:
    """Whether a text may name a dataset."""
    return NAME.fullmatch(text) is not None and not ARROW.search(text)


def _malformed(text: str) -> DataError:
    forms = (
        "'source->target', 'one+two->target', 'source->first->second', 'source->target@protocol', "
        "'source->target/10' or 'target/10'"
    )
    for part in re.split(r"->|→|\+", text):
        if part.strip().startswith((".", "/", "~")):
            path = part.strip()
            return DataError(f"Task name '{text}': '{path}' is a path; expected a name, as 'folder:{path}'.")
    hint = " Where '->' is of a path, it is written as -%3E, and '+' as %2B." if re.search(":.*/", text) else ""
    return DataError(f"Task name '{text}'; expected {forms}.{hint}")
