import dataclasses
import json

import pytest

from tlx import Overrides
from tlx.errors import ResultError, SettingError, UnknownName
from tlx.reproduce import Figure
from tlx.reproduce.render import render, tables
from tlx.reproduce.verdicts import compare, shorter

KEYS = ("table", "task", "method", "ours", "theirs", "n", "selection", "verdict")


def spec_of(plan, task, method, budget="full"):
    [item] = [item for item in plan if (item.figure.task, item.figure.method) == (task, method)]
    return item.jobs[budget].spec


@pytest.fixture
def shift(plan):
    """The full spec of a->b shift, for which the paper has 50.5."""
    return spec_of(plan, "a->b", "shift")


@pytest.fixture
def of_shift(table, plan):
    """The cell of a->b shift, compared with results."""

    def of_shift(*results):
        [cell] = [cell for cell in compare(table, plan, results) if (cell["task"], cell["method"]) == ("a->b", "shift")]
        return cell

    return of_shift


def test_a_table_of_which_nothing_was_run(table, plan):
    cells = compare(table, plan, [])
    assert [(cell["task"], cell["method"], cell["theirs"]) for cell in cells] == [
        ("a->b", "source_only", 40), ("a->b", "shift", 50.5), ("a->b", "magic", 99), ("a->c", "shift", 60)
    ]  # fmt: skip
    assert all(set(KEYS) <= cell.keys() and cell["verdict"] == "not run" and cell["n"] == 0 for cell in cells)
    assert [cell["why"] for cell in cells] == [
        "not run yet",
        "not run yet",
        "no strategy 'magic' in tlx",
        "not run yet",
    ]


@pytest.mark.parametrize(
    ("scores", "verdict"),
    [
        ((0.51, 0.53, 0.53), "reproduced"),
        ((0.525, 0.525, 0.525), "reproduced"),  # on the edge: 50.5 + 2
        ((0.485, 0.485, 0.485), "reproduced"),
        ((0.526, 0.526, 0.526), "higher"),
        ((0.484, 0.484, 0.484), "lower"),
    ],
)
def test_the_verdict_is_by_the_tolerance(of_shift, made, shift, scores, verdict):
    cell = of_shift(made(shift, scores, (0.1, 0.2, 0.3)))
    assert (cell["verdict"], cell["n"], cell["selection"], cell["budget"]) == (verdict, 3, "oracle", "full")
    assert (cell["ours"], cell["last"]) == pytest.approx((100 * sum(scores) / 3, 20), abs=1e-3)
    assert cell["low"] <= cell["ours"] <= cell["high"]


def test_a_figure_of_another_metric_has_that_of_ours(table, plan, made, shift):
    """The trap: OS of a paper beside the H-score, the main one, of ours. An accuracy has no OS, and is refused."""
    item = next(item for item in plan if item.jobs and item.jobs["full"].spec == shift)
    figures = [item._replace(figure=dataclasses.replace(item.figure, metric=name, value=70.0)) for name in ("os", "")]
    result = made(shift, (0.2, 0.3, 0.4))

    def scored(selection):
        scores = [dataclasses.replace(score, metrics={"os": score.accuracy + 0.4}) for score in selection.scores]
        return dataclasses.replace(selection, scores=scores)

    selections = {name: scored(selection) for name, selection in result.selections.items()}
    cells = compare(table, figures, [dataclasses.replace(result, metric="hos", selections=selections)])
    assert [(cell["ours"], cell["last"], cell["verdict"]) for cell in cells] == [
        (pytest.approx(70), pytest.approx(70), "reproduced"),
        (pytest.approx(30), pytest.approx(30), "lower"),
    ]
    assert cells[0]["low"] == pytest.approx(cells[1]["low"] + 40, abs=0.01)
    shown = render(cells, table)
    assert "shift (OS)" in shown and "target test score in percent" in shown
    with pytest.raises(SettingError, match="no metric 'os', since it is scored by accuracy; metrics: accuracy"):
        compare(table, figures, [result])


def test_tolerances_by_method_and_task(table):
    tolerances = {"shift": 5.0, "a->c": 1.0, "a->c shift": 0.5}
    overrides = Overrides({key: {"tolerance": value} for key, value in tolerances.items()})
    changed = dataclasses.replace(table, overrides=overrides)
    keys = (("a->b", "shift"), ("a->c", "x"), ("a->c", "shift"), ("d->e", "x"))
    found = [changed.tolerance_of(Figure(task, method, 1.0, "P-8", "last", "net", "P")) for task, method in keys]
    assert found == [5.0, 1.0, 0.5, 2.0]


def test_a_short_budget_says_so(of_shift, made, plan, shift):
    short = made(spec_of(plan, "a->b", "shift", "short"), (0.51, 0.5, 0.5))
    cell = of_shift(short)
    assert cell["verdict"] == "reproduced (short: 3 of 6 steps)" and cell["budget"] == "short"
    # the full budget comes first, finished runs before failed ones, and of equal ones that of more seeds
    assert of_shift(short, made(shift, (0.9, 0.9, 0.9)))["verdict"] == "higher"
    assert of_shift(short, made(shift, ()))["budget"] == "short"
    more = made(shift, (0.5,) * 5, seeds=tuple(range(5)))
    assert of_shift(made(shift, (0.9,) * 3), more, made(shift, (0.9,) * 2, seeds=(0, 1)))["n"] == 5


def test_a_short_budget_of_another_batch(shift):
    short = dataclasses.replace(shift, recipe=shift.recipe.replace(steps=3000, batch=8))
    assert shorter({"full": shift, "short": short}, "short") == "short: 3,000 of 6 steps, batch 8 rather than 64"
    assert shorter({"short": short}, "short") == "short: 3,000 steps"


def test_a_run_that_failed_is_not_run(of_shift, made, shift):
    cell = of_shift(made(shift, ()))
    assert (cell["verdict"], cell["why"], cell["ours"]) == ("not run", "failed: ValueError: no", None)


def test_another_recipe_or_setting_does_not_compare(of_shift, made, shift):
    other = made(shift, (0.5, 0.5, 0.5), recipe=shift.recipe.replace(steps=4), settings=(("weight", 2.0),))
    assert of_shift(other)["verdict"].startswith("not comparable (steps 4 rather than")
    assert "shift.weight 2.0 rather than 1.0" in of_shift(other)["why"] and of_shift(other)["ours"] is None


def test_another_protocol_or_network_is_refused(of_shift, made, shift):
    message = "a->b shift was run with protocol 'P-other', and table 'doe-1' has it with 'P-8': such scores do not"
    with pytest.raises(ResultError, match=message):
        of_shift(made(shift, (0.5, 0.5, 0.5), protocol="P-other"))
    with pytest.raises(ResultError, match="run with network 'wide', and table 'doe-1' has it with 'net'"):
        of_shift(made(shift, (0.5, 0.5, 0.5), backbone="wide"))


def test_an_ablation_is_a_cell_of_its_own(table, plan, made):
    """a->c shift was published on `wide`, and the suite has `net`."""
    result = made(spec_of(plan, "a->c", "shift"), (0.6, 0.6, 0.6))
    *_, paper, ablation = compare(table, plan, [result])
    assert (paper["verdict"], paper["network"], paper["ours"]) == ("not run", "wide", None)
    assert (ablation["network"], ablation["ours"], ablation["ablation"]) == ("net", 60, True)
    assert ablation["verdict"] == "not comparable (ablation: net under P-8 for wide under P-8)"


def test_collapse_and_negative_transfer_are_told(table, plan, made, shift):
    base = made(spec_of(plan, "a->b", "source_only"), (0.4, 0.4, 0.4))
    cells = compare(table, plan, [base, made(shift, (0.1, 0.3, 0.3))])
    assert [(cell["collapsed"], cell["negative_transfer"]) for cell in cells[:2]] == [(0, False), (1, True)]
    [first, _] = tables(cells, table)
    assert first.rows[1][0] == "shift ▼" and "shift: 1/3 seeds collapsed" in first.notes


def test_it_is_printed(table, plan, made, shift):
    cells = compare(table, plan, [made(shift, (0.51, 0.52, 0.53), (0.4, 0.5, 0.6))])
    assert json.loads(render(cells, table, "json")) == cells
    text = render(cells, table, "markdown")
    assert "**a->b (P-8, net)**" in text
    assert "| shift | 50.5 ±1.5 | 3 | 52.0 ±2.5 | 50.0 ±24.8 | reproduced |" in text
    assert "- magic: not run: no strategy 'magic' in tlx" in text and "4 cells: 3 not run, 1 reproduced" in text
    assert "theirs: Doe et al. 2020, Table 1" in text and "0.01 hours of runs on cpu" in text
    assert "verdict: by selection oracle, within 2 points" in render(cells, table)
    with pytest.raises(UnknownName, match="Unknown format 'jsn'. Did you mean json"):
        render(cells, table, "jsn")
