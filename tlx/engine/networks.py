"""Networks by name: a flax module becomes parameters, what it carries besides, and a structure that is compared.

`State.params[name]` holds the parameters of a network as a dict, and `State.stats[name]` a `Carried`: batch-norm
statistics, dropout keys and counters, with the module's structure as a static part of the tree. So a network that a
strategy adds inside a traced function is there wherever its state is.
"""

import inspect
from collections.abc import Callable, Mapping
from typing import Any, cast

import jax
from flax import linen, nnx
from flax.core import DenyList
from flax.nnx import bridge

from tlx.contract import Key, State, Tree
from tlx.engine.fast_ops import with_fast_ops
from tlx.errors import ContractError, nearest

Build = Callable[[nnx.Rngs], nnx.Module]


class Structure:
    """What is static of a network: the graph of its module, the kinds of its variables, and how it is made anew.

    Two are equal where their graphs are.
    """

    def __init__(self, build: Build, graph: Any, params: Any, carried: Any):
        self.build, self.graph, self.params, self.carried = build, graph, params, carried

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Structure) and self.graph == other.graph)

    def __hash__(self) -> int:
        return hash(self.graph)


@jax.tree_util.register_pytree_with_keys_class
class Carried:
    """What a network carries besides its parameters, as a tree of dicts; `copied` marks a copy of another network."""

    def __init__(self, values: dict[str, Tree], structure: Structure, copied: bool = False):
        self.values, self.structure, self.copied = values, structure, copied

    def tree_flatten_with_keys(self):
        keys = tuple(sorted(self.values, key=str))
        return [(jax.tree_util.DictKey(key), self.values[key]) for key in keys], (keys, self.structure, self.copied)

    def tree_flatten(self):
        keys = tuple(sorted(self.values, key=str))
        return [self.values[key] for key in keys], (keys, self.structure, self.copied)

    @classmethod
    def tree_unflatten(cls, aux, children):
        keys, structure, copied = aux
        return cls(dict(zip(keys, children, strict=True)), structure, copied)


class FromLinen(nnx.Module):
    """A flax Linen module as an NNX one: its batch statistics and its random keys are variables like any other's.

    It is called in train or evaluation mode by the argument that it has for that: `train`, `deterministic` or
    `use_running_average`.
    """

    def __init__(self, module: linen.Module, *example: Any, rngs: nnx.Rngs):
        self.deterministic = False  # `nnx.Module.train` and `eval` set it
        self.flags = _flags(module)
        self.net = bridge.ToNNX(module, rngs=rngs)
        bridge.lazy_init(cast(Any, self.net), *example, **self._mode())
        if isinstance(getattr(module, "width", None), int):
            self.width: int = module.width  # pyright: ignore[reportAttributeAccessIssue]

    def _mode(self) -> dict[str, bool]:
        train = not self.deterministic
        return {flag: train if flag in ("train", "training") else not train for flag in self.flags}

    def __call__(self, *args: Any) -> Any:
        mutable: Any = False if self.deterministic else DenyList(("params", "intermediates"))
        mode: dict[str, Any] = self._mode()
        return self.net(*args, mutable=mutable, **mode)


def _flags(module: linen.Module) -> tuple[str, ...]:
    known = ("train", "training", "deterministic", "use_running_average")
    return tuple(name for name in inspect.signature(type(module).__call__).parameters if name in known)


def builder(module: Any, example: tuple[Any, ...], what: str) -> Build:
    """The function `rngs -> nnx.Module` of what a user gives: such a function, or a Linen module and its arguments.

    Raises:
        ContractError: it is neither; a Linen module without an example.
    """
    if isinstance(module, linen.Module):
        if not example:
            raise ContractError(
                f"{what} is a Linen module, which needs an example of its arguments: add(..., module, x)"
            )
        return lambda rngs: FromLinen(module, *example, rngs=rngs)
    if isinstance(module, nnx.Module) or not callable(module):
        raise ContractError(
            f"{what} is {type(module).__name__}; expected a function `rngs -> nnx.Module`, or a Linen module"
        )
    return cast(Build, module)


def make(build: Build, key: Key) -> tuple[dict[str, Tree], Carried]:
    """The parameters of a new network, and what it carries."""
    module = build(nnx.Rngs(key))
    if not isinstance(module, nnx.Module):
        raise TypeError(f"it is made as {type(module).__name__}; expected an nnx.Module")
    graph, params, rest = split(module)
    blank = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype), (params, rest))
    return nnx.to_pure_dict(params), Carried(nnx.to_pure_dict(rest), Structure(build, graph, *blank))


def split(module: nnx.Module) -> Any:
    """Its structure, its parameters, and what else it carries."""
    return nnx.split(module, nnx.Param, ...)


def merge(params: Tree, carried: Carried, train: bool) -> Any:
    """The module with these values in it, in train or evaluation mode."""
    structure = carried.structure
    module = nnx.merge(structure.graph, _fill(structure.params, params), _fill(structure.carried, carried.values))
    module.train() if train else module.eval()
    return module


def _fill(blank: Any, values: Any) -> Any:
    out = jax.tree.map(lambda leaf: leaf, blank)
    nnx.replace_by_pure_dict(out, values)
    return out


def network(state: State, name: str) -> Carried:
    """What a network carries. Raises ContractError where there is none of that name."""
    carried = state.stats.get(name)
    if not isinstance(carried, Carried) or name not in state.params:
        known = [each for each, value in state.stats.items() if isinstance(value, Carried)]
        guess = nearest(name, known)
        hint = f"; {guess[0]}?" if guess else ""
        raise ContractError(f"there is no network '{name}'{hint} Networks: {', '.join(known)}.")
    return carried


def call(state: State, name: str, *args: Any, train: bool, use: Callable[..., Any] | None = None) -> tuple[Any, State]:
    """What the network `name` makes of `args`, and the state with what it has moved in train mode.

    `use(module, *args)` calls the module in another way.
    """
    carried = network(state, name)

    def whole() -> tuple[Any, dict[str, Tree]]:
        module = merge(state.params[name], carried, train)
        out = module(*args) if use is None else use(module, *args)
        return out, nnx.to_pure_dict(split(module)[2]) if train else {}

    out, values = with_fast_ops(whole)
    if not train:
        return out, state
    return out, state.put_stats(**{name: Carried(values, carried.structure, carried.copied)})


def tap(module: Any, taps: tuple[str, ...], x: Any, owner: str) -> tuple[Any, dict[str, jax.Array]]:
    """The output of a module, and those of its inner modules of these names, "layer4/0".

    Raises:
        ContractError: it has no module of such a name, or that is not called.
    """
    names = ["/".join(map(str, path)) for path, _ in nnx.iter_modules(module) if path]
    for name in taps:
        if name not in names:
            guess = nearest(name, names)
            hint = f"did you mean {' or '.join(guess)}? " if guess else ""
            raise ContractError(f"{owner} has no module '{name}' to tap; {hint}it has: {', '.join(names)}.")
    out, seen = nnx.capture(module, nnx.Intermediate, method_outputs=nnx.Intermediate)(x)
    tapped = {}
    for name in taps:
        place: Any = nnx.to_pure_dict(seen)
        for part in name.split("/"):
            place = place.get(part, place.get(int(part)) if part.isdigit() else None) if place else None
        if not place or "__call__" not in place:
            raise ContractError(f"{owner} does not call its module '{name}', so there is no output to tap.")
        tapped[name] = place["__call__"][0]
    return out, tapped


def is_copy(stats: Mapping[str, Tree], name: str) -> bool:
    """Whether a parameter group is a copy of a network."""
    carried = stats.get(name)
    return isinstance(carried, Carried) and carried.copied
