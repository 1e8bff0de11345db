"""The committed table of every strategy on a real shift is that of today's code, and says why where one does not help.

Training all of them takes most of an hour; here the results of `tlx bench quick-all` are held to the code.
"""

import functools
import platform
import re
from pathlib import Path

from tlx.data import load_task
from tlx.plugins import Registry
from tlx.report import render
from tlx.runs.fingerprint import fingerprint
from tlx.runs.resolve import Job, Lookup, resolve_suite
from tlx.runs.result import Result
from tlx.runs.store import load_all

FOLDER = Path(__file__).parents[2] / "benchmarks/results/quick-all"
TEXT = FOLDER.with_suffix(".md").read_text()
TASK = "mnist5k->optdigits"
REGISTRY = Registry.load(environ={"TLX_PLUGINS": "backbones,datasets,selectors,strategies,suites"})


@functools.cache
def results() -> dict[str, Result]:
    return {result.spec.strategy: result for result in load_all(FOLDER) if result.spec.task == TASK}


@functools.cache
def jobs() -> dict[str, Job]:
    suite = REGISTRY.get("suites", "quick-all")
    return {job.spec.strategy: job for job in resolve_suite(Lookup(REGISTRY), suite)}


def test_every_strategy_has_a_row_or_is_named_as_not_run():
    """The trap: a strategy that is left out without a word."""
    named = re.search(r"^Not run again yet[^:]*: (.*)\.$", TEXT, re.MULTILINE)
    absent = set(re.findall(r"`(\w+)`", named[1])) if named else set()
    assert absent == jobs().keys() - results().keys(), (
        "tlx bench quick-all --strategies NAME --out benchmarks/results/quick-all"
    )


def test_every_row_is_of_the_strategy_as_it_is_now():
    """The trap: a table that outlives the code. Run it again for the strategies that this names."""
    python = list(platform.python_version_tuple()[:2])
    for name, result in results().items():
        assert result.spec.hash == jobs()[name].spec.hash, f"the settings or the recipe of {name} have changed"
        if result.environment.versions["python"].split(".")[:2] == python:
            assert result.code == fingerprint(type(jobs()[name].strategy)), f"the code of {name} has changed"
        assert result.finished and len(result.accuracy("last")) == 3


def test_every_row_is_of_these_data():
    """The trap: a score over rows in another order, as of a stream that lies class by class."""
    data = load_task(REGISTRY.get("tasks", TASK), functools.partial(REGISTRY.get, "datasets"))
    assert {result.data_hash for result in results().values()} == {data.hash}


def test_what_scores_below_source_only_is_explained():
    bound = sum(results()["source_only"].accuracy("last"))
    below = {name for name, result in results().items() if sum(result.accuracy("last")) < bound}
    explained = set(re.findall(r"^- `(\w+)`: ", TEXT, re.MULTILINE))
    assert below == explained


def test_the_table_is_that_of_the_results():
    assert render(list(load_all(FOLDER)), "markdown").strip() in TEXT
