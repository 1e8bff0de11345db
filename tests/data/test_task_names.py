"""The grammar of names: parts, normal form, and what is refused with what words."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tlx.data import TaskName, parse, task_name
from tlx.data.task_names import is_name
from tlx.errors import DataError

WORDS = st.from_regex(r"[A-Za-z0-9_]+([.-][A-Za-z0-9_]+)?", fullmatch=True)
INNER = st.characters(exclude_categories=("C", "Z"), exclude_characters="+@>→")
RESTS = st.lists(st.text(INNER, min_size=1, max_size=6), min_size=1, max_size=3).map(" ".join)
PREFIXED = st.tuples(st.sampled_from(["tfds", "folder", "my_own"]), RESTS).map(":".join)
SHOTS = st.none() | st.integers(1, 999)


@pytest.mark.parametrize(
    ("text", "name", "parts"),
    [
        ("mnist5k:optdigits", "mnist5k->optdigits", TaskName(("mnist5k",), ("optdigits",))),
        ("a → b", "a->b", TaskName(("a",), ("b",))),
        (" b + a -> c / 10 ", "b+a->c/10", TaskName(("b", "a"), ("c",), None, 10)),
        ("a:b/10", "a->b/10", TaskName(("a",), ("b",), None, 10)),
        ("office-31.amazon->x", "office-31.amazon->x", TaskName(("office-31.amazon",), ("x",))),
        ("cifar10", "cifar10", TaskName((), ("cifar10",))),
        ("cifar10@P / 100", "cifar10@P/100", TaskName((), ("cifar10",), "P", 100)),
        ("-> cifar10/100", "cifar10/100", TaskName((), ("cifar10",), None, 100)),
        ("folder:/my data/a", "folder:/my data/a", TaskName((), ("folder:/my data/a",))),
        ("folder:/b@P-28/10", "folder:/b@P-28/10", TaskName((), ("folder:/b",), "P-28", 10)),
        ("tfds:kmnist", "tfds->kmnist", TaskName(("tfds",), ("kmnist",))),
        ("→tfds:kmnist", "->tfds:kmnist", TaskName((), ("tfds:kmnist",))),
        ("mnist->usps@P-2000", "mnist->usps@P-2000", TaskName(("mnist",), ("usps",), "P-2000")),
        ("mnist : usps @ P-2000 / 3", "mnist->usps@P-2000/3", TaskName(("mnist",), ("usps",), "P-2000", 3)),
        ("tfds:kmnist->mnist", "tfds:kmnist->mnist", TaskName(("tfds:kmnist",), ("mnist",))),
        ("a -> tfds:emnist/digits", "a->tfds:emnist/digits", TaskName(("a",), ("tfds:emnist/digits",))),
        ("a->folder:/b/10", "a->folder:/b/10", TaskName(("a",), ("folder:/b/10",))),
        ("a->folder:/b@P-28/10", "a->folder:/b@P-28/10", TaskName(("a",), ("folder:/b",), "P-28", 10)),
        ("a->folder:/b @ P / 2", "a->folder:/b@P/2", TaskName(("a",), ("folder:/b",), "P", 2)),
        ("a->folder:/x@y/z", "a->folder:/x@y/z", TaskName(("a",), ("folder:/x@y/z",))),
        ("folder:/x@y->a@P", "folder:/x@y->a@P", TaskName(("folder:/x@y",), ("a",), "P")),
        (
            "folder:/my data/a-b.c + d -> folder:C:\\é/10@P",
            "folder:/my data/a-b.c+d->folder:C:\\é/10@P",
            TaskName(("folder:/my data/a-b.c", "d"), ("folder:C:\\é/10",), "P"),
        ),
        ("a -> b → c", "a->b->c", TaskName(("a",), ("b", "c"))),
        ("a+d->b->tfds:c/x@P/10", "a+d->b->tfds:c/x@P/10", TaskName(("a", "d"), ("b", "tfds:c/x"), "P", 10)),
        ("a->folder:/x@y->b/3", "a->folder:/x@y->b/3", TaskName(("a",), ("folder:/x@y", "b"), None, 3)),
        ("-> b -> c", "->b->c", TaskName((), ("b", "c"))),
    ],
)
def test_parts_and_normal_form(text, name, parts):
    assert parse(text) == parts
    assert task_name(text) == name == str(parts)


@given(st.lists(WORDS | PREFIXED, min_size=1, max_size=5, unique=True), st.integers(1, 3), st.none() | WORDS, SHOTS)
def test_any_name_is_its_own_normal_form(names, count, protocol, shots):
    targets, sources = tuple(names[:count]), tuple(names[count:])
    if ":" in targets[-1] and protocol is None:
        shots = None
    name = TaskName(sources, targets, protocol, shots)
    assert all(map(is_name, names))
    assert parse(str(name)) == name and task_name(str(name)) == str(name)
    spaced = f" {' + '.join(sources)}  →  {' -> '.join(targets)}" + f" @ {protocol}" * (protocol is not None)
    assert parse(spaced + f" / {shots}" * (shots is not None)) == name


@given(st.text(st.sampled_from("a:/@+-> .1→\n"), max_size=14))
def test_any_text_is_a_task_in_normal_form_or_refused(text):
    try:
        name = task_name(text)
    except DataError as error:
        assert f"'{text}'" in str(error)
    else:
        assert task_name(name) == name and all(map(is_name, (*parse(name).sources, *parse(name).targets)))


@pytest.mark.parametrize(
    "text",
    [
        "", "a b", "a->", "+a", "->", "a->->c", "a->b->", "a->b+c->d", "a->b/2->c", "a->b@P->c", "a->b/0", "a->b/ten",
        "a+->b", "a b->c", "a->b\nd->c", "a->b@", "a->b@P/", "a->b@P Q", "a->:b", "a->b:", "tfds:->b", "a->folder:/x+y",
        "a->folder:/x\ny", "a->b@P@Q", "a->1x:b",
    ],
)  # fmt: skip
def test_what_is_no_task_is_refused(text):
    with pytest.raises(DataError, match=re.escape(f"Task name '{text}'; expected 'source->target'")):
        task_name(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a+a->b", "a source comes twice"),
        ("a->b->b", "a target comes twice"),
        ("a+c->b->c", "'c' is source and target"),
    ],
)
def test_no_dataset_comes_twice(text, message):
    with pytest.raises(DataError, match=re.escape(f"Task name '{text}': {message}; expected different ")):
        task_name(text)


@pytest.mark.parametrize("text", ["tfds:kmnist:mnist", "a:folder:/b"])
def test_the_short_form_is_for_plain_words(text):
    with pytest.raises(DataError, match="expected '->' between source and target where a name holds ':'"):
        task_name(text)


@pytest.mark.parametrize("text", ["mnist", "office-31.amazon", "tfds:emnist/digits", "folder:/my data/a@b"])
def test_names_of_datasets(text):
    assert is_name(text)


@pytest.mark.parametrize(
    "text", ["", "a b", "-a", "a->b", "folder:", "folder: /a", "folder:/a ", "folder:/a->b", "é:x"]
)
def test_what_is_no_name_of_a_dataset(text):
    assert not is_name(text)
