"""Strategies made of others by name, "dann+mcc": the sum of their terms over one forward pass and one cross-entropy."""

import dataclasses
import functools
import typing
from collections.abc import Mapping
from typing import Any, ClassVar

import jax
import jax.numpy as jnp

from tlx.blocks.additive import Additive
from tlx.contract import State, Strategy, register


class Composed(Additive):
    """Base of what `compose` makes. `kinds` are the parts by name; the field "mcc.weight" is the setting of part mcc.

    The settings of `Additive` are shared and keep their names. The first part draws the randomness that it draws alone,
    so that "dann+mcc" with mcc.weight=0 is dann.
    """

    kinds: ClassVar[Mapping[str, type[Additive]]] = {}

    def __init__(self, **settings: Any):
        fields = {field.name: field.default for field in dataclasses.fields(self)}  # pyright: ignore[reportArgumentType]
        if odd := settings.keys() - fields:
            raise TypeError(f"{type(self).__name__} has no setting {', '.join(sorted(odd))}")
        for name, value in {**fields, **settings}.items():
            object.__setattr__(self, name, value)
        for name, kind in self.kinds.items():
            kind(**self._own(name, kind))  # which may refuse its values

    def __eq__(self, other) -> bool:
        return type(self) is type(other) and vars(self) == vars(other)

    def __hash__(self) -> int:
        return hash((type(self), *vars(self).values()))

    def parts(self) -> dict[str, Additive]:
        """The strategies that it is made of, with their settings."""
        made = {}
        for name, kind in self.kinds.items():
            made[name] = object.__new__(kind)  # past __init__, which cannot look at traced values
            for field, value in self._own(name, kind).items():
                object.__setattr__(made[name], field, value)
        return made

    def _own(self, name: str, kind: Any) -> dict[str, Any]:
        own = {field.name: getattr(self, f"{name}.{field.name}") for field in _fields(kind)}
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(Additive)} | own

    def init(self, model, key):
        shared = model.init(key)
        params, extra = dict(shared.params), dict(shared.extra)
        for name, part, own in self._keyed(key):
            state = part.init(model, own)
            params |= {f"{name}.{group}": tree for group, tree in state.params.items() if group not in shared.params}
            extra |= {f"{name}.{place}": tree for place, tree in state.extra.items() if place not in shared.extra}
        return State(params, extra)

    def transfer(self, model, state, outputs, batch, context):
        total, metrics = jnp.zeros(()), {}
        for name, part, key in self._keyed(context.key):
            term, seen, found = part.transfer(model, _of(name, state), outputs, batch, context._replace(key=key))
            own = {place: f"{name}.{place}" for place in seen.extra}
            kept = {own[place] if own[place] in state.extra else place: tree for place, tree in seen.extra.items()}
            state = state._replace(extra={**state.extra, **kept})
            total, metrics = total + term, metrics | {f"{name}.{metric}": value for metric, value in found.items()}
        return total, state, metrics

    def _keyed(self, key):
        for number, (name, part) in enumerate(self.parts().items()):
            yield name, part, jax.random.fold_in(key, number) if number else key


def _fields(kind: Any) -> list[dataclasses.Field]:
    """The settings of a part that the others do not share."""
    shared = {field.name for field in dataclasses.fields(Additive)}
    return [field for field in dataclasses.fields(kind) if field.name not in shared]


def _of(name: str, state: State) -> State:
    """The state as a part knows it: what is shared and its own, under the names that it gave."""

    def seen(tree: dict[str, Any]) -> dict[str, Any]:
        own = {key.removeprefix(f"{name}."): value for key, value in tree.items() if key.startswith(f"{name}.")}
        return {key: value for key, value in tree.items() if "." not in key} | own

    return State(seen(state.params), seen(state.extra))


def composes(kind: type[Strategy]) -> bool:
    """Whether a strategy is cross-entropy and a term: an `Additive` that changes neither its loss nor its program."""
    return issubclass(kind, Additive) and all(
        getattr(kind, name) is getattr(Additive, name) for name in ("loss", "phases", "predict")
    )


@functools.cache
def compose(parts: tuple[tuple[str, Any], ...]) -> type[Composed]:
    """The strategy class whose loss is cross-entropy(source) + the parts' terms, in order.

    Its fields are "NAME.FIELD" for every field of every part, float ones leaves as in the parts.

    Args:
        parts: (name, class) each, names that differ, classes that `composes` is true of
    """
    names = [name for name, _ in parts]
    hints = typing.get_type_hints(Additive)
    fields = {field.name: (hints[field.name], field.default) for field in dataclasses.fields(Additive)}
    for name, kind in parts:
        hints = typing.get_type_hints(kind)
        fields |= {f"{name}.{field.name}": (hints[field.name], field.default) for field in _fields(kind)}
    space = {
        "__doc__": f"Cross-entropy on the source and the terms of {' and '.join(names)}.",
        "__module__": __name__,
        "__annotations__": {name: hint for name, (hint, _) in fields.items()},
        "kinds": dict(parts),
        "setting": parts[0][1].setting,
        "paper": "; ".join(kind.paper for _, kind in parts if kind.paper),
    }
    # no generated methods: they would spell the fields' names, which have dots, as code
    make = dataclasses.dataclass(frozen=True, init=False, repr=False, eq=False)
    made = make(type("+".join(names), (Composed,), space | {name: default for name, (_, default) in fields.items()}))
    leaves = [name for name, (hint, _) in fields.items() if hint is float]
    register(made, leaves, [name for name in fields if name not in leaves])
    return made
