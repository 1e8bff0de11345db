"""Which classes the source labels, and which ones the target holds: closed, partial, open and universal tasks."""

import dataclasses
import itertools
from collections.abc import Sequence

from tlx.errors import DataError


@dataclasses.dataclass(frozen=True)
class LabelSpace:
    """The label space that a protocol asks for: the classes of the sources, those of the targets, by name.

    A side's rows of classes of the other side alone are left out; a class of neither is refused, unless `left_out`
    names it, or the protocol's `classes` leave it out. With `unknown` the classifier has one output more, for what is
    of no source class. Each source class is in one source or more, and each target class in one target or more.

    Raises:
        DataError: fewer than two source classes, no target class, a name that comes twice, no class that both have,
            target classes that the sources lack without `unknown`, or `unknown` without such a class.

    References: partial: Cao et al., "Partial adversarial domain adaptation", ECCV 2018; open set: Saito et al., "Open
    set domain adaptation by backpropagation", ECCV 2018; universal: You et al., CVPR 2019.
    """

    source: tuple[str, ...]
    target: tuple[str, ...]
    unknown: bool = False
    left_out: tuple[str, ...] = ()

    def __post_init__(self):
        for key, least in (("source", 2), ("target", 1)):
            names = tuple(getattr(self, key))
            object.__setattr__(self, key, names)
            if len(names) < least or len(set(names)) < len(names):
                raise DataError(f"Label space: {key} classes {names}; expected {least} or more different names.")
        object.__setattr__(self, "left_out", tuple(self.left_out))
        if both := [name for name in self.left_out if name in (*self.source, *self.target)]:
            raise DataError(f"Label space: {', '.join(both)} left out, and a class; expected each class in one list.")
        private = [name for name in self.target if name not in self.source]
        if private and not self.unknown:
            raise DataError(
                f"Label space: the target classes {', '.join(private)} are no source classes; "
                f"expected unknown=True, which gives them an output."
            )
        if len(private) == len(self.target):
            raise DataError(
                f"Label space: source {', '.join(self.source)} and target {', '.join(self.target)} share no class; "
                f"expected one or more."
            )
        if self.unknown and not private:
            raise DataError(
                "Label space: unknown=True, and each target class is a source class; expected a target class that is "
                "none, for without one the unknown has no row."
            )

    @classmethod
    def of(
        cls, shared: Sequence[str], source_private: Sequence[str] = (), target_private: Sequence[str] = ()
    ) -> "LabelSpace":
        """The label space of the classes that both have, and of those that each side has alone, the target's unknown.

        Raises:
            DataError: a class is in two of the lists, or as for `LabelSpace`.
        """
        parts = {"shared": shared, "source_private": source_private, "target_private": target_private}
        for first, second in itertools.combinations(parts, 2):
            if both := [name for name in parts[first] if name in parts[second]]:
                raise DataError(
                    f"Label space: {', '.join(both)} in {first} and in {second}; expected each class in one list."
                )
        return cls((*shared, *source_private), (*shared, *target_private), unknown=bool(target_private))


@dataclasses.dataclass(frozen=True)
class Space:
    """The label space of a task. Classes have their place in `known` as number; all other target classes `len(known)`.

    `known` are the sources' classes and `target` the targets', by name. With real targets both are empty, and `reals`
    is the number of reals of a row.
    """

    known: tuple[str, ...]
    target: tuple[str, ...]
    unknown: bool = False
    reals: int = 0

    @property
    def outputs(self) -> int:
        """The length of the classifier's output: the known classes and, if there is one, the unknown; or the reals."""
        return self.reals or len(self.known) + self.unknown

    @property
    def kind(self) -> str:
        """Who has own classes: nobody ("closed"), the source ("partial"), the target ("open"), both ("universal")."""
        return {
            (False, False): "closed",
            (True, False): "partial",
            (False, True): "open",
            (True, True): "universal",
        }[bool(self.source_private), bool(self.target_private)]

    @property
    def shared(self) -> tuple[str, ...]:
        """The classes of both."""
        return tuple(name for name in self.known if name in self.target)

    @property
    def source_private(self) -> tuple[str, ...]:
        """The classes of the sources alone."""
        return tuple(name for name in self.known if name not in self.target)

    @property
    def target_private(self) -> tuple[str, ...]:
        """The classes of the targets alone."""
        return tuple(name for name in self.target if name not in self.known)

    @property
    def names(self) -> tuple[str, ...]:
        """A name for each number of a class: the known classes and, if there is one, "unknown"."""
        return (*self.known, *(("unknown",) if self.unknown else ()))

    def number(self, name: str) -> int:
        """The number of a class."""
        return self.known.index(name) if name in self.known else len(self.known)
