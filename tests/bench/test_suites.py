"""The suites that come with tlx."""

import pytest

from tlx.bench.plan import make_specs
from tlx.plugins import Registry


@pytest.fixture(scope="module")
def everything():
    return Registry.load(environ={})


def test_quick_is_what_the_readme_says(everything):
    quick = everything.get("suites", "quick")
    assert quick.tasks == ("mnist5k->optdigits", "mnist5k->mnist5k_m")
    assert {"source_only", "coral", "mmd", "kl", "dann", "shot", "target_only"} <= set(quick.strategies)
    assert (quick.seeds, quick.backbone) == (3, "lenet")


@pytest.mark.parametrize("name", ["quick", "smoke"])
def test_every_name_of_a_suite_is_registered(everything, name):
    suite = everything.get("suites", name)
    specs = make_specs(everything, suite)
    assert suite.name == name
    assert len(specs) == len(suite.tasks) * len(suite.strategies) == len({spec.hash for spec in specs})


@pytest.mark.parametrize("name", ["quick", "smoke"])
def test_a_suite_says_what_it_shows(everything, name):
    entry = everything.entry("suites", name)
    assert entry.summary.endswith(".") and len(entry.summary) <= 120


def test_recipes_carry_their_names(everything):
    entries = everything.entries("recipes")
    assert {"default", "quick", "smoke"} <= {entry.name for entry in entries}
    for entry in entries:
        assert everything.get("recipes", entry.name).name == entry.name and entry.summary
