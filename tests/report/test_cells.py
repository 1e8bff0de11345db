import dataclasses

import pytest

from tlx.engine.recipe import Recipe
from tlx.errors import UnknownName
from tlx.report import cells
from tlx.score import bootstrap_interval, interval, paired

KEYS = {
    *("task", "strategy", "backbone", "protocol", "selection", "n", "mean", "low", "high", "scores", "gain", "seconds"),
    *("collapsed", "diverged", "sees", "status", "error", "negative_transfer", "settings"),
}


def find(found, strategy, selection="last", **match):
    same = [cell for cell in found if cell["strategy"] == strategy and cell["selection"] == selection]
    [cell] = [cell for cell in same if all(cell[key] == value for key, value in match.items())]
    return cell


def test_a_cell_for_each_result_and_policy(results):
    found = cells(results)
    assert len(found) == 5 * 2 and all(KEYS <= set(cell) for cell in found)
    cell = find(found, "mmd")
    assert (cell["task"], cell["backbone"], cell["protocol"], cell["n"]) == ("a->b", "net", "p-28", 3)
    assert cell["scores"] == [0.7, 0.72, 0.8] and cell["seconds"] == 12.34
    assert (cell["mean"], cell["low"], cell["high"]) == interval([0.7, 0.72, 0.8])
    assert cell["collapsed"] == [False, True, False] and cell["diverged"] == [True, False, False]
    assert not cell["uses_target_labels"] and find(found, "mmd", "oracle")["uses_target_labels"]


def test_baseline_first_and_bounds_last(results):
    order = list(dict.fromkeys(cell["strategy"] for cell in cells(results)))
    assert order == ["source_only", "coral", "dann", "mmd", "target_only"]


def test_gain_is_under_the_same_policy(results):
    found = cells(results)
    assert find(found, "mmd")["gain"] == pytest.approx(0.74 - 0.4)
    assert find(found, "mmd", "oracle")["gain"] == pytest.approx(0.3)
    assert find(found, "source_only")["gain"] == 0 and not find(found, "source_only")["negative_transfer"]
    assert find(found, "coral")["gain"] == pytest.approx(-0.15) and find(found, "coral")["negative_transfer"]


def test_a_failed_run_has_no_score(results):
    cell = find(cells(results), "dann")
    assert (cell["status"], cell["n"], cell["mean"], cell["gain"], cell["scores"]) == ("failed", 0, None, None, [])
    assert cell["error"].startswith("ValueError")


def test_only_failed_runs(make):
    assert [cell["selection"] for cell in cells([make("mmd", error="x")])] == ["last"]


@pytest.mark.parametrize("interval", ["t", "bootstrap"])
def test_the_baseline_gains_exactly_nothing_over_itself(make, interval):
    scores = (0.8256103637269556, 0.8191330343796711, 0.8241155954160438)
    (cell,) = cells([make("source_only", scores)], interval=interval)
    assert cell["gain"] == 0 and not cell["negative_transfer"]


@pytest.mark.parametrize("change", [{"task": "a->c"}, {"protocol": "p-8"}, {"backbone": "other"}])
def test_no_gain_over_what_cannot_be_compared(make, change):
    found = cells([make("source_only", (0.4, 0.4)), make("mmd", (0.6, 0.6), **change)])
    assert find(found, "mmd")["gain"] is None and not find(found, "mmd")["negative_transfer"]


def test_gain_needs_the_same_recipe_or_the_same_suite(make):
    longer = Recipe(name="short", steps=60)
    base, mmd = make("source_only", (0.4, 0.4)), make("mmd", (0.6, 0.6), recipe=longer)
    assert find(cells([base, mmd]), "mmd")["gain"] is None
    suite = [dataclasses.replace(item, spec=dataclasses.replace(item.spec, suite="s")) for item in (base, mmd)]
    assert find(cells(suite), "mmd")["gain"] == pytest.approx(0.2)
    exact = make("source_only", (0.5, 0.5), recipe=longer)
    assert find(cells([*suite, exact]), "mmd")["gain"] == pytest.approx(0.1)


def test_gain_prefers_the_same_seeds(make):
    found = cells([make("source_only", (0.4,) * 5), make("source_only", (0.5,) * 3), make("mmd", (0.6,) * 3)])
    assert find(found, "mmd")["gain"] == pytest.approx(0.1)


def test_variants_hold_what_differs_only(make):
    one = make("mmd", (0.6,) * 3, settings=(("kernels", 5), ("weight", 1.0)))
    two = make("mmd", (0.7,) * 3, settings=(("kernels", 5), ("weight", 2.0)))
    three = make("mmd", (0.7,) * 2, settings=(("kernels", 5), ("weight", 1.0)), recipe=Recipe(name="short", steps=9))
    assert find(cells([one]), "mmd")["variant"] == {}
    assert [cell["variant"] for cell in cells([one, two])] == [{"weight": 1.0}, {"weight": 2.0}]
    assert find(cells([one, two, three]), "mmd", n=2)["variant"] == {"weight": 1.0, "recipe.steps": 9, "seeds": 2}


def test_recipes_are_told_apart_by_their_names(make):
    """And by fields only where runs of one name differ; so on all tasks, that a method has one name."""
    long, short = (Recipe(name=name, steps=steps, rounds=rounds) for name, steps, rounds in (("l", 60, 5), ("s", 6, 3)))
    runs = [make("mmd", (0.6,), recipe=long), make("mmd", (0.6,), recipe=short)]
    assert [cell["variant"] for cell in cells(runs)] == [{"recipe": "l"}, {"recipe": "s"}]
    [other] = [
        cell for cell in cells([*runs, make("mmd", (0.6,), recipe=short, task="a->c")]) if cell["task"] == "a->c"
    ]
    assert other["variant"] == {"recipe": "s"}
    slow = make("mmd", (0.6,), recipe=dataclasses.replace(short, lr=0.5))
    found = find(cells([*runs, slow]), "mmd", recipe="l")
    assert found["variant"] == {"recipe": "l", "recipe.lr": long.lr}


def test_a_baseline_and_an_interval_that_are_there(results):
    with pytest.raises(UnknownName, match="Unknown baseline 'corall'. Did you mean coral"):
        cells(results, baseline="corall")
    with pytest.raises(UnknownName, match="Unknown interval 'boot'. Did you mean bootstrap"):
        cells(results, interval="boot")
    cell = find(cells(results, interval="bootstrap"), "mmd")
    assert (cell["mean"], cell["low"], cell["high"]) == bootstrap_interval([0.7, 0.72, 0.8])


def test_tests_are_on_the_seeds_that_both_have(make):
    found = cells([make("coral", (0.5, 0.6, 0.7)), make("mmd", (0.6, 0.72, 0.8, 0.9))], baseline="coral")
    expected = paired({0: 0.6, 1: 0.72, 2: 0.8}, {0: 0.5, 1: 0.6, 2: 0.7})
    assert (find(found, "mmd")["p_t"], find(found, "mmd")["p_wilcoxon"]) == (expected.t_p, expected.wilcoxon_p)
    assert find(found, "coral")["p_t"] is None
    assert find(cells([make("mmd", (0.5, 0.7))]), "mmd")["p_t"] is None


def test_runs_of_other_data_are_not_compared(make):
    """The traps: a gain over a baseline on other images, and a best among scores that cannot be compared."""
    runs = [
        make("source_only", (0.4, 0.41, 0.42), data_hash="1" * 64),
        make("mmd", (0.5, 0.51, 0.52), data_hash="1" * 64),
        make("coral", (0.9, 0.91, 0.92), data_hash="2" * 64),
        make("dann", (0.6, 0.61, 0.62)),
    ]
    found = cells(runs)
    coral = find(found, "coral")
    assert coral["other_data"] and coral["gain"] is None and not coral["best"] and coral["data"] == "2" * 64
    assert find(found, "mmd")["gain"] == pytest.approx(0.1) and not find(found, "mmd")["other_data"]
    assert find(found, "dann")["gain"] == pytest.approx(0.2), "an old result does not say of which data it is"
    assert find(found, "dann")["best"]


def test_without_a_baseline_what_most_runs_share_counts(make):
    runs = [make(name, (0.4,), data_hash=data * 64) for name, data in (("a", "1"), ("b", "2"), ("c", "1"))]
    assert [cell["other_data"] for cell in cells(runs)] == [False, True, False]
    assert not any(cell["other_data"] for cell in cells([make("a", (0.4,)), make("b", (0.4,))]))
