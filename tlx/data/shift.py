"""What a task is: the datasets that a model learns from, those that it is scored on, and the protocol; all by name."""

import dataclasses

from tlx.data.protocol import Protocol
from tlx.data.task_names import TaskName, parse
from tlx.errors import DataError


@dataclasses.dataclass(frozen=True)
class Task:
    """From source datasets, named, to target datasets, in order, under a protocol.

    Without a source it is from the targets' labels alone.

    Raises:
        DataError: a source or target that comes twice, no target, or a target among the sources.
    """

    sources: tuple[str, ...]
    targets: tuple[str, ...]
    protocol: Protocol
    summary: str = ""

    def __post_init__(self):
        if isinstance(self.targets, str) or not self.targets:
            raise DataError(f"Task to {self.targets!r}; expected a tuple of one target or more, as ('b',).")
        parsed = parse(self.name)
        if str(parsed) != self.name:
            raise DataError(f"Task '{self.name}': in normal form its name is '{parsed}'.")
        if (parsed.sources, parsed.targets, parsed.shots) != (self.sources, self.targets, self.protocol.shots):
            raise DataError(f"Task '{self.name}': it reads as {parsed!r}; expected {self.sources} and {self.targets}.")

    @property
    def name(self) -> str:
        """The name in normal form: "a->b", "a+b->c", "b", of two targets "a->b->c", and with shots "a->b/10".

        A last target with a prefix has the protocol before its shots, which would be read as its own:
        "a->folder:/b@P/10".
        """
        shots = self.protocol.shots
        protocol = self.protocol.id.removesuffix(f"/{shots}") if shots and ":" in self.targets[-1] else None
        return str(TaskName(self.sources, self.targets, protocol, shots))
