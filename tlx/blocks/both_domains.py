"""Source and target through the network: together, apart, or each with batch norm of its own."""

from typing import Any, Literal

import jax
import jax.numpy as jnp

from tlx.contract import Batch, Features, Model, State

Norm = Literal["joint", "separate", "domain"]
"""Whose rows batch norm sees: both domains' in one pass; each domain's, with one set of running statistics, which take
the source's and then the target's; each domain's, with running statistics, scales and shifts of its own."""

OWN = "source_norm"


def both_domains(model: Model, state: State, batch: Batch, norm: Norm = "joint") -> tuple[Features, Features, State]:
    """Features of the source and of the target rows, by default from ONE forward pass, as TLLib and CDAN do.

    The choice changes results: in one pass the statistics are those of the mixture, so the domains' means may differ
    after batch norm; in two passes they cannot. "domain" needs `with_source_norm`; predictions are the target's.

    Chang et al. 2019, "Domain-Specific Batch Normalization for Unsupervised Domain Adaptation" ("domain").
    """
    if norm == "joint":
        n = batch.source.x.shape[0]
        features, state = model.features(state, jnp.concatenate([batch.source.x, batch.target.x]))
        return features[:n], features[n:], state
    if norm == "separate":
        source, state = model.features(state, batch.source.x)
        target, state = model.features(state, batch.target.x)
        return source, target, state
    source, seen = model.features(as_source(state), batch.source.x)
    target, state = model.features(state, batch.target.x)
    return source, target, state._replace(extra={**state.extra, OWN: seen.extra["features"]})


def with_source_norm(state: State, norm: Norm = "domain") -> State:
    """The state with the source's own scales, shifts and statistics, at first the shared ones, if `norm` is "domain".

    They are the leaves with "bn" in their path, as in `tent`: a parameter group of their own, empty without batch norm.
    """
    if norm != "domain":
        return state
    leaves = jax.tree_util.tree_leaves_with_path(state.params["features"])
    scales = {_path(path): leaf for path, leaf in leaves if "bn" in _path(path)}
    return State({**state.params, OWN: scales}, {**state.extra, OWN: state.extra["features"]})


def as_source(state: State) -> State:
    """The state with the source's batch norm in the shared one's place, for predictions on the source."""
    scales = state.params[OWN]

    def own(path: Any, leaf: Any) -> Any:
        return scales.get(_path(path), leaf)

    features = jax.tree_util.tree_map_with_path(own, state.params["features"])
    return State({**state.params, "features": features}, {**state.extra, "features": state.extra[OWN]})


def _path(path: Any) -> str:
    return "/".join(str(getattr(part, "key", part)) for part in path)
