import dataclasses
import json

import pytest

from tlx import Lab, hookimpl
from tlx.cli import main
from tlx.errors import DataAbsent, ResultError, UnknownName
from tlx.reproduce import api
from tlx.runs.store import Store, load_all


@pytest.fixture
def lab(registry):
    return Lab(progress=False, registry=registry)


@pytest.fixture
def run(table, lab, tmp_path):
    def run(**options):
        return lab.reproduce(table, out=tmp_path / "out", **options)

    return run


def test_a_table_is_run_and_only_what_is_missing_again(run, world, tmp_path):
    cells = run()
    assert world.calls == ["a->b SourceOnly", "a->b Shift", "a->c Shift"]
    # the best of 8, 10 and 9 of 20 rows is 50%, the last 45%
    assert [(cell["method"], cell["ours"], cell["last"], cell["verdict"]) for cell in cells[:3]] == [
        ("source_only", 50.0, 45.0, "higher"), ("shift", 50.0, 45.0, "reproduced"), ("magic", None, None, "not run")
    ]  # fmt: skip
    world.calls.clear()
    assert run() == cells and world.calls == []
    [path] = (tmp_path / "out").glob("a-b.shift.*.json")
    others = {other: other.stat().st_mtime_ns for other in (tmp_path / "out").glob("*.json") if other != path}
    path.unlink()
    run()
    assert world.calls == ["a->b Shift"] and path.exists()
    assert {other: other.stat().st_mtime_ns for other in others} == others


def test_parts_of_a_table(run, world):
    [cell] = run(tasks=["a:b"], methods=["shift"], seeds=2, budget="short")
    assert world.calls == ["a->b Shift"] and (cell["n"], cell["verdict"]) == (2, "reproduced (short: 3 of 6 steps)")
    with pytest.raises(UnknownName, match="Unknown task of table 'doe-1' 'a->d'"):
        run(tasks=["a->d"])
    with pytest.raises(UnknownName, match="Unknown method of table 'doe-1' 'shfit'. Did you mean shift"):
        run(methods=["shfit"])
    with pytest.raises(UnknownName, match="Unknown budget of table 'doe-1' 'shrt'. Did you mean short"):
        run(budget="shrt")


def test_a_folder_with_another_protocol_is_refused_before_anything_runs(run, world, plan, made, tmp_path):
    other = made(plan[1].jobs["full"].spec, (0.5, 0.5, 0.5), protocol="P-other")
    Store(tmp_path / "out").prepare()
    Store(tmp_path / "out").write(other)
    with pytest.raises(ResultError, match="out: a->b shift was run with protocol 'P-other'.*has it with 'P-8'"):
        run()
    assert world.calls == []


def test_a_table_that_no_suite_runs(table, lab, tmp_path):
    empty = dataclasses.replace(table, suites={}, missing="it needs weights")
    cells = lab.reproduce(empty, out=tmp_path / "none")
    assert [cell["why"] for cell in cells][:2] == ["it needs weights"] * 2 and not (tmp_path / "none").exists()


def test_the_committed_results_are_shown(table, lab, world, tmp_path, monkeypatch, caplog):
    monkeypatch.chdir(tmp_path)
    assert all(cell["verdict"] == "not run" for cell in api.report(lab, table))
    assert "There are no results of 'doe-1'" in caplog.text and "expected --out DIR" in caplog.text
    for folder in ("runs/doe-1", "benchmarks/results/doe-1"):
        world.right = (12,) if folder.startswith("runs") else (10,)
        lab.reproduce(table, out=folder)
        assert api.report(lab, table)[1]["ours"] == world.right[0] * 5
    assert len(load_all("benchmarks/results/doe-1")) == 3
    assert api.report(lab, table, "runs/doe-1")[1]["ours"] == 60
    with pytest.raises(ResultError, match="'none' does not exist"):
        api.report(lab, table, "none")


@pytest.fixture
def call(table, registry, monkeypatch, capsys, tmp_path):
    """Calls `tlx reproduce doe-1` with arguments; gives the exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tlx.plugins.Registry.load", lambda *args, **options: registry)

    class Tables:
        @hookimpl
        def tlx_tables(self, register):
            register("doe-1", table)

    registry.add(Tables(), "tables")

    def call(*words):
        with pytest.raises(SystemExit) as exit:
            main(["reproduce", "doe-1", *words])
        return exit.value.code, *capsys.readouterr()

    return call


def test_the_command(call, world):
    code, out, _ = call("--tasks", "a:b", "--methods", "shift,magic", "--seeds", "2", "--out", "here")
    assert code == 0 and "reproduced" in out and "no strategy 'magic'" in out and world.calls == ["a->b Shift"]
    code, out, _ = call("--report", "--format", "json", "--out", "here")
    cells = json.loads(out)
    assert code == 0 and {cell["table"] for cell in cells} == {"doe-1"} and world.calls == ["a->b Shift"]
    assert [cell["verdict"] for cell in cells] == ["not run", "reproduced", "not run", "not run"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--report", "--budget", "short"), "--report runs nothing"),
        (("--format", "yaml"), "Unknown format 'yaml'"),
        (("--budget", "long"), "Unknown budget"),
    ],
)
def test_misuse(call, world, words, message):
    code, _, err = call(*words)
    assert code == 1 and message in err and world.calls == []


def test_failed_runs_make_the_command_fail(call, fake_engine):
    def fail(*args):
        raise ValueError("no")

    fake_engine(fail)
    code, out, err = call("--methods", "shift", "--tasks", "a:b")
    assert code == 1 and "not run" in out and "a->b shift: failed: ValueError: no" in err


def test_where_the_data_are_absent_it_says_how_to_get_them_and_fails(call, fake_engine):
    """The trap: a reason that is cut before the command that it ends with, and success."""
    remedy = "By hand: tlx data prepare a --from DIR"

    def absent(*args):
        raise DataAbsent(f"The file {'x' * 300} is not here.\n{remedy}")

    fake_engine(absent)
    code, out, err = call("--methods", "shift", "--tasks", "a:b")
    assert code == 1 and remedy in " ".join(out.split())
    assert "nothing ran: the data of every task are absent" in err
