"""Figures that are the mean over several tasks."""

import dataclasses
from statistics import fmean

import pytest

import tlx
from tlx import Lab, hookimpl
from tlx.cli import main
from tlx.reproduce import read
from tlx.reproduce.figures import plan_runs
from tlx.reproduce.published import published
from tlx.reproduce.render import render
from tlx.reproduce.verdicts import compare

YAML = """
paper: Doe et al. 2020
table: Table 2
source: the paper
defaults: {protocol: P-8, selection: oracle, network: net, provenance: 2nd}
rows:
  - {task: [a->b, a->c], method: shift, value: 45}
"""


@pytest.fixture
def table(table):
    table.literature.write_text(YAML)
    return table


@pytest.fixture
def specs(plan):
    """The full spec on each task."""
    return [item.jobs["full"].spec for item in plan]


def test_it_is_the_mean_over_the_tasks_of_each_seed(table, plan, specs, made):
    """The trap: the interval of the tasks' spread, or of one task. Here the seeds' means are all 45%."""
    results = [made(specs[0], (0.6, 0.5, 0.4), (0.1, 0.1, 0.1)), made(specs[1], (0.3, 0.4, 0.5), (0.2, 0.3, 0.4))]
    [cell] = compare(table, plan, results)
    assert (cell["task"], cell["ours"], cell["low"], cell["high"]) == ("mean of a->b and a->c", 45, 45, 45)
    assert (cell["last"], cell["n"], cell["verdict"]) == (pytest.approx(20), 3, "reproduced")
    assert cell["low"] == cell["high"] and cell["last_low"] < 20 < cell["last_high"]
    assert cell["seconds"] == 72 and cell["hash"] == "+".join(spec.hash for spec in specs)
    shown = render([cell], table)
    assert "mean of a->b and a->c (P-8, net)" in shown and "0.02 hours" in shown


def test_seeds_that_not_all_tasks_have_do_not_count(table, plan, specs, made):
    results = [made(specs[0], (0.6, 0.5)), made(specs[1], (0.2, 0.3, 0.9))]
    [cell] = compare(table, plan, results)
    assert (cell["ours"], cell["verdict"]) == (pytest.approx(100 * fmean((0.4, 0.4))), "lower")


def test_without_all_tasks_there_is_no_mean(table, plan, specs, made, registry):
    """The trap: a verdict on half of the tasks."""
    [cell] = compare(table, plan, [])
    assert (cell["verdict"], cell["why"], cell["n"]) == ("not run", "not run yet", 0)
    [cell] = compare(table, plan, [made(specs[0], (0.5, 0.5))])
    assert (cell["verdict"], cell["why"], cell["ours"], cell["n"]) == ("not run", "1 of its 2 tasks run", None, 0)
    [cell] = compare(table, plan, [made(specs[0], (0.5,)), made(specs[1], ())])
    assert (cell["verdict"], cell["why"]) == ("not run", "failed: ValueError: no")
    part = plan_runs(registry, table, read(table.literature), tasks=["a->b"])
    [cell] = compare(table, part, [made(specs[0], (0.5,))])
    assert cell["why"] == "1 of its 2 tasks run"


def test_its_tasks_are_of_one_budget(table, plan, made):
    """The trap: a mean of a long run on one task and a short one on the other."""
    full, short = ([item.jobs[budget].spec for item in plan] for budget in ("full", "short"))
    results = [made(full[0], (0.9, 0.9)), *(made(spec, (0.45, 0.45)) for spec in short)]
    [cell] = compare(table, plan, results)
    assert (cell["ours"], cell["verdict"]) == (pytest.approx(45), "reproduced (short: 3 of 6 steps)")
    [cell] = compare(table, plan, [*results, made(full[1], (0.5, 0.5))])
    assert (cell["ours"], cell["verdict"]) == (pytest.approx(70), "higher")


def test_a_run_on_one_task_stands_for_no_mean(table, registry, specs, made):
    class Tables:
        @tlx.hookimpl
        def tlx_tables(self, register):
            register(table.name, table)

    registry.add(Tables(), "tables")
    assert published(registry, [made(specs[0], (0.45, 0.45))]) == {}


def test_means_of_one_value_under_two_protocols_are_two(registry, table):
    """The trap: the source model on two orders of one stream, which scores alike on both."""
    table.literature.write_text(YAML + "  - {task: [a->b, a->c], method: shift, value: 45, protocol: P-other}\n")
    cells = compare(table, plan_runs(registry, table, read(table.literature)), [])
    assert [cell["protocol"] for cell in cells] == ["P-8", "P-other"]


def test_more_tasks_than_two_are_counted(table, plan):
    names = ("a->b@P-8", "a->c@P-8", "a->d@P-8")
    items = [item._replace(figure=dataclasses.replace(item.figure, mean_of=names)) for item in plan]
    [cell] = compare(table, items, [])
    assert cell["task"] == "mean of 3 tasks, a->b to a->d"


def test_the_command_runs_all_tasks(table, registry, world, tmp_path, monkeypatch, capsys):
    class Tables:
        @hookimpl
        def tlx_tables(self, register):
            register("doe-1", table)

    registry.add(Tables(), "tables")
    monkeypatch.setattr("tlx.plugins.Registry.load", lambda *args, **options: registry)
    with pytest.raises(SystemExit, match="0"):
        main(["reproduce", "doe-1", "--out", str(tmp_path / "out")])
    assert world.calls == ["a->b Shift", "a->c Shift"] and "mean of a->b and a->c" in capsys.readouterr().out
    [cell] = Lab(progress=False, registry=registry).reproduce(table, out=tmp_path / "out", tasks=["a->c"])
    assert cell["why"] == "1 of its 2 tasks run" and world.calls == ["a->b Shift", "a->c Shift"]
