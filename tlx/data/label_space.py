"""Which classes the source labels, and which ones the target holds: from closed tasks to new classes."""

import dataclasses
import itertools
from collections.abc import Sequence

from tlx.errors import DataError


@dataclasses.dataclass(frozen=True)
class LabelSpace:
    """The label space that a protocol asks for: the classes of the sources, those of the targets, by name.

    A side's rows of classes of the other side alone are left out; a class of neither is refused, unless `left_out`
    names it, or the protocol's `classes` leave it out. With `unknown` the classifier has one output more, for what is
    of no source class; with `novel` each target class that is none has an output of its own. Each source class is in
    one source or more, and each target class in one target or more.

    New classes are discovered without a label, in a target of no other class; or learnt from few labels, where the
    protocol shows some (`Protocol.shots`), beside the source's classes or alone.

    Raises:
        DataError: fewer than two source classes, no target class, a name that comes twice, no class that both have,
            target classes that the sources lack without `unknown` or `novel`, one of these without such a class, or
            both.

    References: partial: Cao et al., "Partial adversarial domain adaptation", ECCV 2018; open set: Saito et al., "Open
    set domain adaptation by backpropagation", ECCV 2018; universal: You et al., CVPR 2019; new classes: Han et al.,
    "Automatically Discovering and Learning New Visual Categories with Ranking Statistics", ICLR 2020.
    """

    source: tuple[str, ...]
    target: tuple[str, ...]
    unknown: bool = False
    left_out: tuple[str, ...] = ()
    # The other fields imply it, so that the hashes of protocols of before, which are of their texts, stay.
    novel: bool = dataclasses.field(default=False, repr=False)

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
        if private and self.unknown == self.novel:
            raise DataError(
                f"Label space: the target classes {', '.join(private)} are no source classes; expected unknown=True, "
                f"which gives them one output, or novel=True, which gives each its own"
                f"{', and not both' if self.novel else ''}."
            )
        if len(private) == len(self.target) and not self.novel:
            raise DataError(
                f"Label space: source {', '.join(self.source)} and target {', '.join(self.target)} share no class; "
                f"expected one or more."
            )
        if (self.unknown or self.novel) and not private:
            raise DataError(
                f"Label space: {'novel' if self.novel else 'unknown'}=True, and each target class is a source class; "
                f"expected a target class that is none, for without one "
                f"{'no class is new' if self.novel else 'the unknown has no row'}."
            )

    @classmethod
    def of(
        cls,
        shared: Sequence[str],
        source_private: Sequence[str] = (),
        target_private: Sequence[str] = (),
        *,
        novel: bool = False,
    ) -> "LabelSpace":
        """The label space of the classes that both have, and of those that each side has alone.

        The target's own are the unknown, or with `novel` told apart.

        Raises:
            DataError: a class is in two of the lists, or as for `LabelSpace`.
        """
        parts = {"shared": shared, "source_private": source_private, "target_private": target_private}
        for first, second in itertools.combinations(parts, 2):
            if both := [name for name in parts[first] if name in parts[second]]:
                raise DataError(
                    f"Label space: {', '.join(both)} in {first} and in {second}; expected each class in one list."
                )
        unknown = bool(target_private) and not novel
        return cls((*shared, *source_private), (*shared, *target_private), unknown, novel=novel)


@dataclasses.dataclass(frozen=True)
class Space:
    """The label space of a task. Known classes have their place in `known` as number.

    All other target classes are `len(known)`, or with `novel` that and the next numbers, in the order of `target`.
    `known` are the sources' classes and `target` the targets', by name. `shown` says that labels of the new classes are
    shown. With real targets both are empty, and `reals` is the number of reals of a row.
    """

    known: tuple[str, ...]
    target: tuple[str, ...]
    unknown: bool = False
    reals: int = 0
    novel: bool = False
    shown: bool = False

    @classmethod
    def of(cls, labels: LabelSpace, shots: int | None) -> "Space":
        """That of a protocol's label space and its labelled target rows of each class."""
        novel = labels.novel
        return cls(labels.source, labels.target, labels.unknown, novel=novel, shown=novel and shots is not None)

    @property
    def outputs(self) -> int:
        """The length of the classifier's output: the known classes, and the new ones or the unknown; or the reals."""
        return self.reals or len(self.names)

    @property
    def labelled(self) -> int:
        """How many classes may have labelled target rows: the first so many."""
        return self.outputs if self.shown else len(self.known)

    @property
    def kind(self) -> str:
        """Who has own classes: nobody ("closed"), the source ("partial"), the target ("open"), both ("universal").

        Where the target's are told apart it is "incremental" if labels of them are shown, else "discovery".
        """
        if self.novel:
            return "incremental" if self.shown else "discovery"
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
        """A name for each number of a class: the known classes, then the new ones, or "unknown" if there is one."""
        return (*self.known, *(self.target_private if self.novel else ("unknown",) if self.unknown else ()))

    @property
    def output_names(self) -> tuple[str, ...]:
        """A name for each output: `names`; but classes without a label have none, and are "new 1", "new 2", ..."""
        if self.kind != "discovery":
            return self.names
        return (*self.known, *(f"new {number}" for number in range(1, len(self.target_private) + 1)))

    def number(self, name: str) -> int:
        """The number of a class."""
        if name in self.known:
            return self.known.index(name)
        return len(self.known) + (self.target_private.index(name) if self.novel else 0)
