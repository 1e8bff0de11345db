"""Strategies made of others by name, "dann+mcc": the sum of their terms over one forward pass and one task loss."""

import dataclasses
import functools
import typing
import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

import jax
import jax.numpy as jnp

from tlx.blocks.additive import Additive, Outputs
from tlx.contract import Batch, Context, Features, Key, Logits, Metrics, Model, Scalar, State, Strategy, register
from tlx.errors import ContractError

SHARED = ("features", "head")


@dataclasses.dataclass(frozen=True, init=False)
class Sum(Additive):
    """Base of what `compose` makes: a pytree of its parts. The setting "mcc.weight" is `weight` of the part mcc.

    The settings of `Additive` are shared and keep their names. The first part draws the randomness that it draws alone,
    so that "dann+mcc" with mcc.weight=0 is dann.
    """

    kinds: ClassVar[Mapping[str, type[Additive]]] = {}
    parts: tuple[Additive, ...] = ()

    def __init__(self, **settings: Any):
        if odd := settings.keys() - fields(type(self)):
            raise TypeError(f"{type(self).__name__} has no setting {', '.join(sorted(odd))}")
        shared = {name: settings.pop(name) for name in fields(Additive) if name in settings}
        parts: list[Additive] = []
        for name, kind in self.kinds.items():
            own = {key.removeprefix(f"{name}."): settings[key] for key in settings if key.startswith(f"{name}.")}
            parts.append(kind(**shared, **own))
        object.__setattr__(self, "parts", tuple(parts))  # as every frozen dataclass sets its fields
        object.__setattr__(self, "norm", parts[0].norm)

    @classmethod
    def composed_fields(cls) -> dict[str, tuple[Any, Any]]:
        """See `fields`."""
        shared = fields(Additive)
        parts = {f"{name}.{key}": field for name, part in cls.kinds.items() for key, field in fields(part).items()}
        return shared | {key: field for key, field in parts.items() if key.partition(".")[2] not in shared}

    def init(self, model: Model, key: Key) -> State:
        def own(name: str, tree: dict[str, Any]) -> dict[str, Any]:
            return {entry if entry in SHARED else f"{name}.{entry}": value for entry, value in tree.items()}

        state = State({}, {}, {})
        for name, part, part_key in self._keyed(key):
            added = part.init(model, part_key)  # its backbone and classifier count where it is the first
            state = State(*(own(name, tree) | before for tree, before in zip(added, state, strict=True)))
        return state

    def transfer(
        self, model: Model, state: State, outputs: Outputs, batch: Batch, context: Context
    ) -> tuple[Scalar, State, Metrics]:
        total: Scalar = jnp.float32(0)
        metrics: Metrics = {}
        for name, part, key in self._keyed(context.key):
            term, after, own = part.transfer(model, _view(state, name), outputs, batch, context._replace(key=key))
            state = state.put_stats(**_renamed(after.stats, name, state.stats))
            state = state.put(**_renamed(after.extra, name, state.extra))
            total, metrics = total + term, metrics | {f"{name}.{metric}": value for metric, value in own.items()}
        return total, state, metrics

    def scored(self, model: Model, state: State, features: Features, logits: Logits) -> Logits:
        for name, part in zip(self.kinds, self.parts, strict=True):
            logits = part.scored(model, _view(state, name), features, logits)
        return logits

    def _keyed(self, key: Key) -> Iterator[tuple[str, Additive, Key]]:
        """The parts by name, the first with the key itself.

        The others' numbers are large, because `split` gives the keys that `fold_in` gives for 0, 1, 2.
        """
        for number, (name, part) in enumerate(zip(self.kinds, self.parts, strict=True)):
            yield name, part, jax.random.fold_in(key, zlib.crc32(name.encode()) | 1 << 31) if number else key


def _view(state: State, name: str) -> State:
    """The state as a part knows it: what is shared and its own, under the names that it gave."""

    def seen(tree: dict[str, Any]) -> dict[str, Any]:
        own = {key.removeprefix(f"{name}."): value for key, value in tree.items() if key.startswith(f"{name}.")}
        return {key: value for key, value in tree.items() if "." not in key} | own

    return State(*map(seen, state))


def _renamed(tree: dict[str, Any], name: str, there: dict[str, Any]) -> dict[str, Any]:
    """A part's entries under the names that they have in the sum."""
    return {f"{name}.{key}" if f"{name}.{key}" in there else key: value for key, value in tree.items()}


def fields(kind: type[Strategy]) -> dict[str, tuple[Any, Any]]:
    """The type and the default of each setting of a strategy class, by name: "weight", of a sum "mcc.weight"."""
    if own := getattr(kind, "composed_fields", None):
        return own()
    hints = typing.get_type_hints(kind)
    return {field.name: (hints[field.name], field.default) for field in dataclasses.fields(kind)}  # pyright: ignore


def composes(kind: type[Strategy]) -> bool:
    """Whether a strategy is the task's loss and a term: an `Additive` that changes neither its loss nor its program."""
    return issubclass(kind, Additive) and all(
        getattr(kind, name) is getattr(Additive, name) for name in ("loss", "phases", "predict")
    )


@functools.cache
def compose(parts: tuple[tuple[str, type[Additive]], ...]) -> type[Sum]:
    """The strategy class whose loss is the task's on the source + the parts' terms, in order.

    Args:
        parts: (name, class) each, names that differ, classes that `composes` is true of

    Raises:
        ContractError: there is no kind of input, target or label space that all parts are for.
    """
    names = [name for name, _ in parts]
    label = "+".join(names)
    space = {
        "__doc__": f"The task's loss on the source and the terms of {' and '.join(names)}.",
        "__module__": __name__,
        "kinds": dict(parts),
        "setting": parts[0][1].setting,
        "paper": "; ".join(kind.paper for _, kind in parts if kind.paper),
        **{fact: common(label, fact, [kind for _, kind in parts]) for fact in ("inputs", "targets", "spaces")},
    }
    kind = dataclasses.dataclass(frozen=True, init=False)(type(label, (Sum,), space))
    register(kind, ["parts"], ["norm"])
    return kind


def common(label: str, fact: str, kinds: Sequence[type[Strategy]]) -> tuple[str, ...]:
    """What all parts are for, where an empty fact means any."""
    narrow: list[tuple[str, ...]] = [getattr(kind, fact) for kind in kinds if getattr(kind, fact)]
    common = tuple(each for each in narrow[0] if all(each in other for other in narrow)) if narrow else ()
    if narrow and not common:
        raise ContractError(f"strategy '{label}': its parts have no kind of {fact} in common: {narrow}")
    return common
