from dataclasses import dataclass, field
from typing import Any, Literal

import pytest

from tlx.runs.from_json import build


@dataclass
class Leaf:
    name: str
    size: float | None


@dataclass
class Tree:
    leaves: list[Leaf]
    pair: tuple[int, ...]
    by_name: dict[str, bool]
    kind: Literal["a", "b"]


GOOD = {"leaves": [{"name": "x", "size": 1}], "pair": [1, 2], "by_name": {"k": True}, "kind": "a"}


@dataclass
class Later:
    old: int
    new: float | None = field(default=None, metadata={"may_miss": True})
    other: int = 0


def test_a_field_that_came_later_may_be_missing():
    assert build(Later, {"old": 1, "other": 2}) == Later(1, None, 2)
    assert build(Later, {"old": 1, "other": 2, "new": 0.5}) == Later(1, 0.5, 2)
    with pytest.raises(ValueError, match="fields other"):
        build(Later, {"old": 1})


def test_builds_what_the_annotations_say():
    assert build(Tree, GOOD) == Tree([Leaf("x", 1.0)], (1, 2), {"k": True}, "a")
    assert build(Any, [1, "a"]) == [1, "a"]


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"leaves": [{"name": 3, "size": None}]}, r"leaves\[0\].name: got 3; expected str"),
        ({"leaves": [{"name": "x"}]}, r"leaves\[0\]: missing or unknown fields size"),
        ({"leaves": {}}, "leaves"),
        ({"pair": [1.5]}, r"pair\[0\]"),
        ({"pair": [True]}, r"pair\[0\]"),
        ({"by_name": {"k": 1}}, "by_name.k"),
        ({"kind": "c"}, "kind"),
        ({"extra": 1}, "Tree: missing or unknown fields extra"),
    ],
)
def test_names_the_place_of_what_does_not_fit(change, where):
    with pytest.raises(ValueError, match=where):
        build(Tree, GOOD | change)
