"""The label space: its kinds, its numbers, and what is no label space."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tlx.data import LabelSpace, Space
from tlx.errors import DataError

NAMES = st.lists(st.sampled_from("abcdef"), min_size=2, unique=True).map(tuple)


@pytest.mark.parametrize(
    ("known", "target", "kind"),
    [("ab", "ba", "closed"), ("abc", "b", "partial"), ("ab", "abc", "open"), ("ab", "bc", "universal")],
)
def test_kinds(known, target, kind):
    assert Space(tuple(known), tuple(target), unknown=True).kind == kind


@given(NAMES, NAMES)
def test_numbers_and_parts(known, target):
    space = Space(known, target, unknown=True)
    assert set(space.shared) | set(space.source_private) == set(known)
    assert set(space.shared) | set(space.target_private) == set(target)
    assert len(space.shared) + len(space.source_private) == len(known)
    assert [space.number(name) for name in known] == list(range(len(known)))
    assert {space.number(name) for name in space.target_private} <= {len(known)}
    assert space.outputs == len(known) + 1 == len(space.names) and space.names[-1] == "unknown"
    assert Space(known, known).outputs == len(known) and Space(known, known).names == known
    assert Space((), (), reals=3).outputs == 3


@pytest.mark.parametrize(
    ("source", "target", "message"),
    [
        (("a",), ("a",), "Label space: source classes ('a',); expected 2 or more different names"),
        (("a", "b", "a"), ("a",), "Label space: source classes ('a', 'b', 'a'); expected 2 or more"),
        (("a", "b"), (), "Label space: target classes (); expected 1 or more"),
        (
            ("a", "b"),
            ("b", "c", "d"),
            "the target classes c, d are no source classes; expected unknown=True, which gives them one output, or "
            "novel=True, which gives each its own.",
        ),
    ],
)
def test_what_is_refused(source, target, message):
    with pytest.raises(DataError, match=re.escape(message)):
        LabelSpace(source, target)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: LabelSpace(("a", "b"), ("c", "d"), unknown=True), "source a, b and target c, d share no class"),
        (lambda: LabelSpace(("a", "b"), ("a",), unknown=True), "without one the unknown has no row"),
        (lambda: LabelSpace(("a", "b"), ("a",), novel=True), "novel=True, and each target class is a source class"),
        (lambda: LabelSpace(("a", "b"), ("a", "c"), unknown=True, novel=True), "each its own, and not both."),
        (lambda: LabelSpace.of((), ("a", "b"), ("c",)), "share no class"),
        (lambda: LabelSpace.of("ab", "bc"), "b in shared and in source_private; expected each class in one list"),
        (lambda: LabelSpace(("a", "b"), ("a",), left_out=("b", "c")), "b left out, and a class"),
        (lambda: LabelSpace.of("ab", "c", "c"), "c in source_private and in target_private"),
    ],
)
def test_a_wrong_split_is_refused(make, message):
    with pytest.raises(DataError, match=re.escape(message)):
        make()


def test_lists_of_shared_and_private_classes_make_a_label_space():
    assert LabelSpace.of("ab", "c", "de") == LabelSpace(tuple("abc"), tuple("abde"), unknown=True)
    assert LabelSpace.of("ab", "c") == LabelSpace(tuple("abc"), tuple("ab"))
    assert LabelSpace.of("ab", "c", "de", novel=True) == LabelSpace(tuple("abc"), tuple("abde"), novel=True)


@pytest.mark.parametrize(
    ("target", "shots", "kind", "labelled", "names"),
    [
        ("dca", 2, "incremental", 4, ("b", "a", "d", "c")),
        ("dc", 2, "incremental", 4, ("b", "a", "d", "c")),
        ("dc", None, "discovery", 2, ("b", "a", "new 1", "new 2")),
    ],
)
def test_new_classes_have_an_output_each(target, shots, kind, labelled, names):
    """The trap: classes that are discovered under the name of a class, which an output without a label has not."""
    space = Space.of(LabelSpace(tuple("ba"), tuple(target), novel=True), shots)
    assert (space.kind, space.outputs, space.labelled, space.output_names) == (kind, 4, labelled, names)
    assert space.names == ("b", "a", "d", "c") and [space.number(name) for name in space.names] == [0, 1, 2, 3]
