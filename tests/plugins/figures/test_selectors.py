import pytest

from tlx.errors import ResultError
from tlx.report import comparisons


def test_points_are_the_facts_of_the_comparison(show, run):
    results = [run("mmd", (0.5, 0.7), first=0.9), run("kl", (0.6, 0.8)), run("kl", (0.6, 0.8), "a->c")]
    left, right = show(results, "selectors").axes
    assert [text.get_text() for text in left.get_yticklabels()][-1].startswith(("oracle ‡", "last"))
    facts = {}
    for item in comparisons(results):
        for fact in item["selectors"]:
            facts.setdefault(fact["selector"], []).append(fact)
    names = [text.get_text().removesuffix(" ‡") for text in left.get_yticklabels()]
    for ax, key in ((left, "regret"), (right, "kendall")):
        means = {
            round(line.get_ydata()[0]): line.get_xdata()[0]
            for line in ax.lines
            if line.get_color() == "black" and line.get_marker() == "o"
        }
        for at, name in enumerate(names):
            known = [fact[key] for fact in facts[name] if fact[key] is not None]
            assert means[at] == pytest.approx(sum(known) / len(known))


def test_bounds_alone_say_nothing(show, run):
    with pytest.raises(ResultError, match="no selector to draw"):
        show([run("target_only", (0.9, 0.9), sees=("labelled",))], "selectors")


def test_long_names_fit(show, long):
    show(long, "selectors")
