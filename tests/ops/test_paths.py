import jax.numpy as jnp

from tlx.ops.paths import by_path, with_leaves


def test_leaves_by_path_go_back_to_their_places():
    """The trap: a part of a path that is a field or an index, not a key."""
    tree = {"features": {"conv": {"kernel": jnp.ones(2)}, "bn": [jnp.ones(1)]}, "head": {"bias": jnp.zeros(3)}}
    assert list(by_path(tree)) == ["features/bn/0", "features/conv/kernel", "head/bias"]
    changed = with_leaves(tree, {"head/bias": jnp.full(3, 7.0)})
    assert changed["head"]["bias"].tolist() == [7.0] * 3
    assert changed["features"]["conv"]["kernel"] is tree["features"]["conv"]["kernel"]
