"""The classifier on a backbone's features: linear, or the one that the backbone brings.

A backbone brings its own by a method `head(width, classes, rngs) -> nnx.Module`, which maps features [B, width] to
logits [B, classes]; so a paper's split of generator and classifier is kept, and whoever makes the classifier anew makes
all of it. What such a module carries besides parameters lies in `State.extra["heads"][group]`.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import nnx

from tlx.contract import Features, Key, Logits, State, Tree
from tlx.errors import ContractError

HEADS = "heads"


class Heads(NamedTuple):
    """The functions of `Model` that have to do with classifiers, under the same names."""

    head: Callable[..., Tree]
    with_head: Callable[..., State]
    classify: Callable[..., tuple[Logits, State]]
    logits: Callable[..., Logits]


def linear(key: Key, width: int, out: int) -> dict[str, jax.Array]:
    """Parameters of a linear layer: LeCun-normal kernel [width, out], zero bias [out]."""
    kernel = jax.nn.initializers.lecun_normal()(key, (width, out), jnp.float32)
    return {"kernel": kernel, "bias": jnp.zeros(out)}


def linear_heads(width: int, classes: int) -> Heads:
    """Logits = features W + b."""
    default = width

    def head(key: Key, width: int = default) -> Tree:
        return linear(key, width, classes)

    def with_head(state: State, key: Key, group: str = "head", width: int = default) -> State:
        return state._replace(params={**state.params, group: head(key, width)})

    def logits(state: State, features: Features, head: str = "head") -> Logits:
        return features @ state.params[head]["kernel"] + state.params[head]["bias"]

    def classify(state: State, features: Features, head: str = "head", train: bool = True) -> tuple[Logits, State]:
        return logits(state, features, head), state

    return Heads(head, with_head, classify, logits)


def own_heads(build: Callable[[int, nnx.Rngs], nnx.Module], width: int, classes: int, name: str) -> Heads:
    """Logits by the module that `build(width, rngs)` gives; `name` is the backbone's, for errors."""
    default = width

    @functools.cache
    def blank(width: int) -> tuple[Any, Any, Any]:
        return split(nnx.eval_shape(lambda: build(width, nnx.Rngs(jax.random.key(0)))))

    def fresh(key: Key, width: int) -> tuple[Tree, Tree]:
        _, params, rest = split(build(width, nnx.Rngs(key)))
        return nnx.to_pure_dict(params), nnx.to_pure_dict(rest)

    def head(key: Key, width: int = default) -> Tree:
        return fresh(key, width)[0]

    def with_head(state: State, key: Key, group: str = "head", width: int = default) -> State:
        params, carried = fresh(key, width)
        state = state._replace(params={**state.params, group: params})
        if not carried:
            return state
        return state._replace(extra={**state.extra, HEADS: {**state.extra.get(HEADS, {}), group: carried}})

    def classify(state: State, features: Features, head: str = "head", train: bool = True) -> tuple[Logits, State]:
        graph, params, rest = blank(features.shape[-1])
        carried = state.extra.get(HEADS, {}).get(head, {})
        if jax.tree.leaves(rest) and not carried:
            raise ContractError(
                f"the classifier of backbone {name} carries statistics or keys, and there are none for group '{head}'; "
                f'make the group by `state = model.with_head(state, key, "{head}")`'
            )
        module = nnx.merge(graph, filled(params, state.params[head]), filled(rest, carried))
        module.train() if train else module.eval()
        out = module(features)  # pyright: ignore[reportCallIssue]
        if out.shape != (*features.shape[:-1], classes):
            raise ContractError(
                f"the classifier of backbone {name} returned logits of shape {out.shape}; "
                f"expected {(*features.shape[:-1], classes)}"
            )
        out = out.astype(jnp.float32)
        if not carried:
            return out, state
        heads = {**state.extra[HEADS], head: nnx.to_pure_dict(split(module)[2])}
        return out, state._replace(extra={**state.extra, HEADS: heads})

    def logits(state: State, features: Features, head: str = "head") -> Logits:
        return classify(state, features, head, train=False)[0]

    return Heads(head, with_head, classify, logits)


def split(module: nnx.Module) -> Any:
    """Its structure, its parameters, and what else it carries."""
    return nnx.split(module, nnx.Param, ...)


def filled(blank: Any, values: Any) -> Any:
    """A state of NNX with the leaves of a tree of dicts."""
    out = jax.tree.map(lambda leaf: leaf, blank)
    nnx.replace_by_pure_dict(out, values)
    return out
