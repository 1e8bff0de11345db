from dataclasses import dataclass, field
from typing import Any, Literal

import pytest

from tlx.runs.convert import OPTIONAL, convert, to_json


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
    new: float | None = field(default=None, metadata=OPTIONAL)
    other: int = 0


def test_an_optional_field_may_be_missing_and_is_left_out_where_it_has_its_default():
    assert convert({"old": 1, "other": 2}, Later) == Later(1, None, 2)
    assert convert({"old": 1, "other": 2, "new": 0.5}, Later) == Later(1, 0.5, 2)
    with pytest.raises(ValueError, match="fields other"):
        convert({"old": 1}, Later)
    assert to_json([Later(1), Later(1, 0.5)]) == [{"old": 1, "other": 0}, {"old": 1, "new": 0.5, "other": 0}]


def test_builds_what_the_annotations_say():
    tree = convert(GOOD, Tree)
    assert tree == Tree([Leaf("x", 1.0)], (1, 2), {"k": True}, "a")
    assert convert([1, "a"], Any) == [1, "a"]
    assert to_json(tree) == GOOD and convert(to_json(tree), Tree) == tree


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"leaves": [{"name": 3, "size": None}]}, r"leaves\[0\].name: got 3; expected str"),
        ({"leaves": [{"name": "x"}]}, r"leaves\[0\]: missing or unknown fields size"),
        ({"leaves": [{"name": "x", "size": "1"}]}, r"leaves\[0\].size: got '1'"),
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
        convert(GOOD | change, Tree)


def test_without_texts_a_text_is_no_number():
    for hint in (int, float, bool, tuple[int, ...], None | int):
        with pytest.raises(ValueError):
            convert("1", hint)
    assert convert("1", str | int) == "1" and convert("1", str | int, texts=True) == 1
