"""Source and target through the network: together, apart, or each with batch norm of its own."""

from typing import Literal

from jaxtyping import Array, Float

from tlx.blocks.rows import concatenate, count
from tlx.contract import Batch, Model, State
from tlx.ops.paths import by_path, with_leaves

Norm = Literal["joint", "separate", "domain"]
"""Whose rows batch norm sees: both domains' in one pass; each domain's, with one set of running statistics, which take
the source's and then the target's; each domain's, with running statistics, scales and shifts of its own."""

OWN = "source_norm"


def both_domains(
    model: Model, state: State, batch: Batch, norm: Norm = "joint"
) -> tuple[Float[Array, "source width"], Float[Array, "target width"], State]:
    """Features of the source and of the target rows, by default from ONE forward pass, as TLLib and CDAN do.

    The choice changes results: in one pass the statistics are those of the mixture, so the domains' means may differ
    after batch norm; in two passes they cannot. "domain" needs `with_source_norm`; predictions are the target's.

    Chang et al. 2019, "Domain-Specific Batch Normalization for Unsupervised Domain Adaptation" ("domain").
    """
    if norm == "joint":
        n = count(batch.source.x)
        features, state = model.features(state, concatenate(batch.source.x, batch.target.x))
        return features[:n], features[n:], state
    if norm == "separate":
        source, state = model.features(state, batch.source.x)
        target, state = model.features(state, batch.target.x)
        return source, target, state
    source, seen = model.features(as_source(state), batch.source.x)
    target, state = model.features(state, batch.target.x)
    return source, target, state.put_stats(**{OWN: seen.stats["features"]})


def with_source_norm(state: State, norm: Norm = "domain") -> State:
    """The state with the source's own scales, shifts and statistics, at first the shared ones, if `norm` is "domain".

    They are the parameter group "source_norm", of the layers that carry a running mean, and statistics of that name.
    """
    if norm != "domain":
        return state
    carried, params = by_path(state.stats["features"]), by_path(state.params["features"])
    scales = {path: leaf for path, leaf in params.items() if path.rpartition("/")[0] + "/mean" in carried}
    state = state.put_stats(**{OWN: state.stats["features"]})
    return state.put_params(**{OWN: scales}) if scales else state


def as_source(state: State) -> State:
    """The state with the source's batch norm in the shared one's place, for predictions on the source."""
    features = with_leaves(state.params["features"], state.params.get(OWN, {}))
    return state.put_params(features=features).put_stats(features=state.stats[OWN])
