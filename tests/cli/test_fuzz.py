"""Whatever a command line says, what is printed is for the user: no traceback, and no exception's class name."""

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tlx.plugins import Registry

RAW = re.compile(r"Traceback|Run with --debug|\b\w+(Error|Exception|Interrupt)\b|Unknown[A-Z]")
CHARACTERS = st.characters(codec="utf-8", exclude_characters="\0")
ANY = st.text(CHARACTERS, max_size=6)
WORDS = st.sampled_from(
    ["a", "b", "c", "d", "shift", "net", "short", "tiny", "folder:x", "./a", "~u/a", "", "a b", "-"]
)
DATASET = st.one_of(WORDS, ANY)
LINKS = st.sampled_from(["->", "→", ":", "+", "@", "/", "->->", ""])
TASK = st.one_of(
    st.builds("{}{}{}".format, DATASET, LINKS, DATASET),
    st.builds("{}->{}@{}/{}".format, DATASET, DATASET, WORDS, st.integers(-1, 10**12)),
    st.builds("{}+{}{}{}".format, DATASET, DATASET, LINKS, DATASET),
)
KEYS = st.one_of(
    st.sampled_from(["weight", "depth", "layers", "mode", "lr", "rates", "views", "batch", "seeds", ""]), ANY
)
NUMBERS = st.sampled_from(["1", "-1", "0", "2.5", "1e999", "nan", "3000000000", "1" * 30, "none", "[]", "[[1]]", "{}"])
PAIR = st.one_of(ANY, st.builds("{}={}".format, KEYS, st.one_of(NUMBERS, ANY)))
STRATEGY = st.sampled_from(["shift", "shfit", "bad", "shift+bad", "+", "", "shift+"])


def option(name, values):
    return st.builds(lambda value: [name, value], values)


RECIPE = st.one_of(
    option("--set", PAIR),
    option("--recipe-set", PAIR),
    option("--lr", NUMBERS),
    option("--batch", NUMBERS),
    option("--optimizer", ANY),
    option("--steps", NUMBERS),
    option("--seeds", NUMBERS),
    option("--seed", NUMBERS),
    option("--backbone", st.one_of(WORDS, ANY)),
    option("--recipe", st.one_of(WORDS, ANY)),
    option("--weights", ANY),
    option("--save-selection", st.sampled_from(["oracle", "oracl", ""])),
)
REPORT = st.one_of(
    option("--format", st.one_of(st.sampled_from(["csv", "html", "json"]), ANY)),
    option("--overview", ANY),
    option("--baseline", ANY),
    option("--interval", ANY),
    option("--out", st.sampled_from(["", ".", "/", "no/such/file"])),
    option("--figure", st.one_of(st.sampled_from(["gain", "gian"]), ANY)),
    option("--width", NUMBERS),
    option("--selection", ANY),
    option("--tasks", TASK),
    st.just(["--selectors"]),
)


PREDICT = st.one_of(
    option("--seed", NUMBERS), option("--top", NUMBERS), option("--csv", st.sampled_from(["", ".", "no/such/file"]))
)  # fmt: skip


def line(*head, options: st.SearchStrategy[list[str]]):
    parts = st.tuples(*(part if isinstance(part, st.SearchStrategy) else st.just(part) for part in head))
    return st.builds(lambda first, rest: [*first, *sum(rest, [])], parts, st.lists(options, max_size=4))


LINES = st.one_of(
    # what is unknown is last, so that nothing trains
    line("run", TASK, STRATEGY, options=RECIPE).map(lambda words: [*words, "--backbone", "no_such"]),
    line("run", "a:b", "shift", "--recipe", "short", "--backbone", "net", options=RECIPE).map(
        lambda words: [*words, "--set", "no_such=1"]
    ),
    line("list", st.one_of(ANY, WORDS), options=st.sampled_from([["--json"], ["--markdown"]])),
    line("show", st.one_of(STRATEGY, ANY), options=option("--set", PAIR)),
    line("report", st.one_of(WORDS, ANY), options=REPORT),
    line(st.sampled_from(["predict", "export"]), st.one_of(WORDS, ANY), st.one_of(WORDS, ANY), options=PREDICT),
)


@pytest.fixture
def command(registry, world, tlx_command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Registry, "load", lambda files: registry)
    return tlx_command


@settings(max_examples=5 * settings().max_examples, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(LINES)
def test_no_command_line_meets_a_raw_exception(command, world, words):
    code, out, err = command(*words)
    told = out + err
    for word in sorted(filter(None, words), key=len, reverse=True):
        told = told.replace(word, "") if len(word) > 3 else told
    assert not RAW.search(told), (words, err)
    assert code in (0, 1, 2) and world.calls == []
