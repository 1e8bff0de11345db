import jax.numpy as jnp
import pytest

from tlx import ContractError, State
from tlx.engine.groups import select

PARAMS = {
    "features": {"conv": {"kernel": jnp.ones(2)}, "bn1": {"scale": jnp.ones(1), "bias": jnp.zeros(1)}},
    "head": {"kernel": jnp.ones(3), "bias": jnp.zeros(3)},
}
STATE = State(PARAMS, {}, {})
NORM = {"norm": "features/*bn*/*"}


def test_star_is_every_top_level_group():
    assert list(select(STATE, ("*",), NORM, "here")) == ["features", "head"]


def test_a_glob_takes_its_leaves_only():
    assert select(STATE, ("norm",), NORM, "here") == {"norm": ("features/bn1/bias", "features/bn1/scale")}


def test_a_path_with_globs_is_a_group_too():
    found = select(STATE, ("features/bn1/*|features/conv/*", "head"), {}, "here")
    assert [len(paths) for paths in found.values()] == [3, 2]
    with pytest.raises(ContractError, match=r"here trains group 'features/gn/\*', which holds no parameter"):
        select(STATE, ("features/gn/*",), {}, "here")


def test_an_unknown_group_gets_the_nearest_and_all():
    with pytest.raises(
        ContractError, match=r"here trains unknown group 'haed'; did you mean head\? .*features, head, norm"
    ):
        select(STATE, ("haed",), NORM, "here")


def test_an_empty_glob_is_named():
    with pytest.raises(ContractError, match=r"group 'norm' \(glob 'features/\*gn\*'\), which holds no parameter"):
        select(STATE, ("norm",), {"norm": "features/*gn*"}, "here")


def test_overlapping_groups_are_refused():
    with pytest.raises(ContractError, match="'features/bn1/bias' twice, by groups 'features' and 'norm'"):
        select(STATE, ("features", "norm"), NORM, "here")
