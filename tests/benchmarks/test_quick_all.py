"""The committed table of every strategy on a real shift is that of today's code, and says why where one does not help.

Training all of them takes most of an hour; here the results of `tlx bench quick --strategies all` are held to the code.
"""

import platform
import re
from pathlib import Path

import pytest

from tlx.plugins import Registry
from tlx.report import render
from tlx.runs.fingerprint import fingerprint
from tlx.runs.resolve import Lookup, resolve_suite
from tlx.runs.store import load_all

FOLDER = Path(__file__).parents[2] / "benchmarks/results/quick-all"
TEXT = FOLDER.with_suffix(".md").read_text()
TASK = "mnist5k->optdigits"
REGISTRY = Registry.load(environ={"TLX_PLUGINS": "backbones,datasets,selectors,strategies,suites"})
RESULTS = {result.spec.strategy: result for result in load_all(FOLDER) if result.spec.task == TASK}
JOBS = {
    job.spec.strategy: job
    for job in resolve_suite(Lookup(REGISTRY), REGISTRY.get("suites", "quick"), tasks=TASK, strategies="all")
}


def test_every_strategy_has_a_row_or_is_named_as_not_run():
    """The trap: a strategy that is left out without a word."""
    named = re.search(r"^Not run again yet[^:]*: (.*)\.$", TEXT, re.MULTILINE)
    absent = set(re.findall(r"`(\w+)`", named[1])) if named else set()
    assert absent == JOBS.keys() - RESULTS.keys(), (
        "tlx bench quick --strategies NAME --out benchmarks/results/quick-all"
    )


@pytest.mark.parametrize("name", RESULTS)
def test_every_row_is_of_the_strategy_as_it_is_now(name):
    """The trap: a table that outlives the code. Run it again for the strategies that this names."""
    result = RESULTS[name]
    assert result.spec.hash == JOBS[name].spec.hash, "its settings or the recipe have changed"
    if result.environment.versions["python"].split(".")[:2] == list(platform.python_version_tuple()[:2]):
        assert result.code == fingerprint(type(JOBS[name].strategy)), "its code has changed"
    assert result.finished and len(result.accuracy("last")) == 3


def test_what_scores_below_source_only_is_explained():
    bound = sum(RESULTS["source_only"].accuracy("last"))
    below = {name for name, result in RESULTS.items() if sum(result.accuracy("last")) < bound}
    explained = set(re.findall(r"^- `(\w+)`: ", TEXT, re.MULTILINE))
    assert below == explained


def test_the_table_is_that_of_the_results():
    assert render(list(load_all(FOLDER)), "markdown").strip() in TEXT
