import json
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

import tlx.report
from tlx import Lab, Save
from tlx.errors import ResultError
from tlx.plugins import Registry

HOOKS = "from tlx.hooks import hookimpl\n"
SHIFT = """
from tlx import Strategy, strategy

@strategy
class Shift(Strategy):
    '''Moves the mean.'''
    setting = "source-free"
    paper = "Doe 2020"
"""
GOOD = """
from tlx.hooks import hookimpl

@hookimpl
def tlx_strategies(register):
    register("shift", "cli_shift:Shift")

@hookimpl
def tlx_backbones(register):
    register("tiny", "cli_good:tiny")

@hookimpl
def tlx_commands(cli):
    @cli.command()
    def hello():
        "Says hello."
        print("hello")

    @cli.command("list")
    def other():
        pass

def tiny(shape, rngs):
    "A tiny one."
"""


@pytest.fixture
def good(distribution):
    return distribution("cli_good", {"cli_good": GOOD, "cli_shift": SHIFT}, {"good": "cli_good"})


@pytest.fixture
def broken(distribution):
    return distribution("cli_broken", {"cli_broken": "import no_such_module"}, {"broken": "cli_broken"})


def test_list_json(good, tlx_command):
    code, out, _ = tlx_command("list", "--json")
    assert code == 0
    assert json.loads(out) == [
        {"kind": "strategies", "name": "shift", "plugin": "good", "summary": "Moves the mean.",
         "setting": "source-free", "paper": "Doe 2020"},
        {"kind": "backbones", "name": "tiny", "plugin": "good", "summary": "A tiny one."},
    ]  # fmt: skip
    assert json.loads(tlx_command("list", "backbones", "--json")[1])[0]["name"] == "tiny"


def test_list(good, tlx_command):
    code, out, err = tlx_command("list")
    assert (code, err) == (0, "")
    assert "strategies (1)\n  shift  source-free  Doe 2020  good  Moves the mean.\n" in out
    assert "suites (0)" in out
    assert "backbones" not in tlx_command("list", "strategies")[1]
    assert tlx_command("list", "strategies", "--markdown")[1] == (
        "| name | setting | paper | what it does |\n| --- | --- | --- | --- |\n"
        "| `shift` | source-free | Doe 2020 | Moves the mean. |\n"
    )


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (["list", "strategy"], "Error: Unknown kind 'strategy'. Did you mean strategies or trackers?\n"),
        (["lsit"], "Error: Unknown command 'lsit'. Did you mean list?\n"),
        (["run", "a:b", "shfit"], "Error: Unknown dataset 'a'. There are: none.\n"),
        (["bench", "quick"], "Error: Unknown suite 'quick'. There are: none.\n"),
        (["list", "--plugin", "none.py"], "Error: plugin file 'none.py' does not exist; expected the path of a Python"),
        (["check", "shfit"], "Error: There is no file, module, plugin or registered name 'shfit'. Did you mean shift?"),
    ],
)
def test_unknown_names_have_a_guess(good, tlx_command, args, told):
    code, out, err = tlx_command(*args)
    assert (code, out) == (1, "") and f"\n{told}" in f"\n{err}" and "Traceback" not in err


def test_debug_shows_the_traceback(good, tlx_command):
    for args in (("--debug", "list", "strategy"), ("list", "strategy", "--debug")):
        code, _, err = tlx_command(*args)
        assert code == 1 and "Traceback" in err and err.splitlines()[-1].startswith("Error: Unknown kind 'strategy'")


def test_wrong_usage_exits_with_2(tlx_command):
    code, _, err = tlx_command("run")
    assert code == 2 and "TASK" in err
    assert tlx_command("list", "--no-such")[0] == 2


def test_help_has_all_commands(good, tlx_command):
    code, out, _ = tlx_command("--help")
    assert code == 0
    for command in ("list", "run", "bench", "report", "check", "plugins", "new", "hello"):
        assert f"\n  {command} " in out
        assert tlx_command(command, "--help")[0] == 0


def test_command_of_a_plugin(good, tlx_command):
    code, out, err = tlx_command("hello")
    assert (code, out) == (0, "hello\n")
    assert err == "Warning: plugin 'good': command 'list' is already there, by 'tlx', which keeps the name\n"


def test_problems_are_told_once_and_the_rest_goes_on(good, broken, tlx_command):
    code, out, err = tlx_command("list")
    assert code == 0 and "shift" in out
    assert err == "Warning: plugin 'broken': importing 'cli_broken' failed: ModuleNotFoundError: " \
        "No module named 'no_such_module'\n"  # fmt: skip
    assert "Traceback" in tlx_command("list", "--debug")[2]


def test_plugins(good, tlx_command):
    code, out, _ = tlx_command("plugins")
    assert (code, out) == (1, "good (cli_good 1.2)  1 strategies, 1 backbones  1 problem(s)\n")


def test_plugins_exits_with_1_if_one_has_a_problem(good, broken, tlx_command):
    code, out, _ = tlx_command("plugins", "--json")
    rows = {row["name"]: row for row in json.loads(out)}
    assert code == 1
    assert rows["good"]["brings"] == {"strategies": ["shift"], "backbones": ["tiny"]}
    assert rows["good"]["problems"] == ["command 'list' is already there, by 'tlx', which keeps the name"]
    assert "no_such_module" in rows["broken"]["problems"][0]
    assert rows["good"]["package"] == "cli_good" and rows["good"]["version"] == "1.2"
    assert "1 problem(s)" in tlx_command("plugins")[1]


@pytest.mark.parametrize("error", ["RuntimeError('boom')", "SystemExit(3)", "BaseException('x')"])
def test_a_plugin_whose_commands_fail_is_shown(distribution, tlx_command, error):
    source = f"{HOOKS}@hookimpl\ndef tlx_commands(cli):\n    raise {error}\n"
    distribution("cli_odd", {"cli_odd": source}, {"odd": "cli_odd"})
    code, out, err = tlx_command("plugins")
    assert code == 1 and "1 problem(s)" in out and "plugin 'odd': tlx_commands failed: " in err


def test_a_command_of_a_plugin_file_is_there_wherever_the_file_is_named(distribution, tmp_path, tlx_command):
    distribution("none", {}, {})
    path = tmp_path / "greets.py"
    path.write_text(
        f"import click\n{HOOKS}@hookimpl\ndef tlx_commands(cli):\n    cli.command('hi')(lambda: click.echo('hi'))\n"
    )
    for args in (("--plugin", path, "hi"), ("hi", "--plugin", path), ("hi", f"--plugin={path}", "--debug")):
        assert tlx_command(*map(str, args)) == (0, "hi\n", "")
    assert "Unknown command 'hi'" in tlx_command("hi", "--", "--plugin", str(path))[2]


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (("run", "a:b", "shift", "--lr", "1", "--lr", "2"), "--lr is given 2 times; expected it once"),
        (("bench", "tiny", "--out", "a", "--out=b"), "--out is given 2 times"),
        (("report", "x", "--format", "csv", "y", "--format", "csv"), "--format is given 2 times"),
        (("data", "prepare", "x", "--from", ".", "--from", "."), "--from is given 2 times"),
        (("hello", "--loud", "1", "--loud", "2"), "--loud is given 2 times"),
    ],
)
def test_an_option_of_one_value_is_taken_once(distribution, tlx_command, args, told):
    source = f"import click\n{HOOKS}@hookimpl\ndef tlx_commands(cli):\n"
    source += "    cli.command('hello')(click.option('--loud')(lambda loud: None))\n"
    distribution("cli_loud", {"cli_loud": source}, {"loud": "cli_loud"})
    code, out, err = tlx_command(*args)
    assert code == 2 and told in err and "Usage: tlx" in err and out == ""


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252"])
def test_a_terminal_of_few_letters_can_have_all_of_it(tmp_path, encoding):
    code = "import click; click.echo('0.5 ±0.1 ★ † ‡ ▼ ≠ τ ─ 語 \\udcff')"
    source = f"{HOOKS}@hookimpl\ndef tlx_commands(cli):\n    @cli.command()\n    def hi():\n        {code}\n"
    (tmp_path / "greets.py").write_text(source, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", "from tlx.cli import main; main()", "hi", "--plugin", str(tmp_path / "greets.py")],
        env={**os.environ, "PYTHONIOENCODING": encoding, "TLX_PLUGINS": ""}, capture_output=True,
    )  # fmt: skip
    dagger = "†  ‡" if encoding == "cp1252" else "[t] [o]"
    assert done.returncode == 0, done.stderr
    assert done.stdout.decode(encoding).split()[:3] == ["0.5", "±0.1", "*"] and b"\\u8a9e \\udcff" in done.stdout
    assert all(word in done.stdout.decode(encoding) for word in dagger.split()) and b"v != tau - " in done.stdout


def test_plugin_file_before_or_after_the_command(distribution, tmp_path, tlx_command):
    distribution("none", {}, {})
    path = tmp_path / "mine.py"
    path.write_text(SHIFT)
    for args in (("--plugin", str(path), "list"), ("list", "--plugin", str(path))):
        code, out, _ = tlx_command(*args, "strategies", "--json")
        assert code == 0 and [item["name"] for item in json.loads(out)] == ["shift"]


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (KeyboardInterrupt(), 130, "Interrupted. Everything finished is in place. To go on: tlx bench quick\n"),
        (ResultError("disk is full"), 1, "Error: disk is full\n"),
        (ZeroDivisionError("by zero"), 1, "Error: ZeroDivisionError: by zero. Run with --debug for the traceback.\n"),
    ],
)
def test_what_a_failing_command_tells(good, tlx_command, monkeypatch, error, code, told):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(Lab, "bench", fail)
    found, out, err = tlx_command("bench", "quick")
    assert found == code and told in err and "Traceback" not in err and out == ""
    if code == 1:
        assert "Traceback" in tlx_command("bench", "quick", "--debug")[2]


class Failed:
    status, error, finished = "failed", "it diverged", False
    spec = type("Spec", (), {"label": "a->b shift"})


class Finished:
    status, finished = "finished", True


class Absent:
    status, error = "absent", "svhn is not here"
    spec = type("Spec", (), {"full_task": "svhn->b@P"})


@pytest.fixture
def seen(monkeypatch):
    """What a method of `Lab` was called with: `seen.watch("run", result)` stands in for it."""
    seen = {}

    def watch(name, result):
        def method(self, *args, **options):
            assert isinstance(self.registry, Registry)
            seen.clear()
            seen.update(options, args=args, lab=self)
            return result

        monkeypatch.setattr(Lab, name, method)
        return seen

    return watch


def test_run_passes_its_options_on(good, tlx_command, tmp_path, monkeypatch, seen):
    run = seen("run", Finished())
    path = tmp_path / "mine.py"
    path.write_text(SHIFT.replace("Shift", "Mine"))
    monkeypatch.setattr(tlx.report, "render", lambda results: f"table of {len(results)}")
    args = "run a:b shift --backbone tiny --seeds 2 --steps 5 --set x=1 --set y=2 --recipe r --out o --plugin".split()
    assert tlx_command(*args, str(path)) == (0, "table of 1\n", "")
    lab = run.pop("lab")
    assert (lab.plugins, lab.observers, lab.embeddings, lab.progress) == ((str(path),), (), False, True)
    assert run == {
        "args": ("a:b", "shift"), "backbone": "tiny", "seeds": 2, "steps": 5, "settings": ("x=1", "y=2"),
        "epochs": None, "recipe": "r", "out": "o", "save": None, "weights": "", "recipe_set": (),
    }  # fmt: skip
    assert tlx_command(*args, str(path), "--keep-embeddings")[0] == 0 and run["lab"].embeddings
    tlx_command("run", "a:b", "shift")
    assert (run["out"], run["seeds"]) == ("runs/{task}", 3)
    tlx_command(*"run a:b shift --seed 42 --lr 0.1 --batch 8 --optimizer adam --recipe-set rounds=2".split())
    assert (
        run["seeds"] == [42]
        and run["epochs"] is None
        and run["recipe_set"] == ("lr=0.1", "batch=8", "optimizer=adam", "rounds=2")
    )
    seen("run", Failed())
    assert tlx_command("run", "a:b", "shift") == (1, "", "Error: failed: a->b shift: it diverged\n")
    seen("run", Absent())
    assert tlx_command("run", "svhn:b", "shift") == (1, "", "Error: svhn->b@P: svhn is not here\n")


def test_run_saves_the_weights_of_a_selection(good, tlx_command, monkeypatch, seen):
    monkeypatch.setattr(tlx.report, "render", lambda results: "table")
    run = seen("run", Finished())
    tlx_command("run", "a:b", "shift", "--save", "w")
    assert run["save"] == Save("w", "last")
    tlx_command("run", "a:b", "shift", "--save", "w", "--save-selection", "source-val")
    assert run["save"] == Save("w", "source-val")
    code, _, err = tlx_command("run", "a:b", "shift", "--save-selection", "source-val")
    assert code == 1 and "--save-selection source-val says which weights to save; expected --save DIR as well" in err


def test_run_writes_to_runs_and_says_where(registry, world, tlx_command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Registry, "load", lambda files: registry)
    args = ("run", "a:b", "shift", "--backbone", "net", "--recipe", "short", "--seeds", "2")
    code, out, err = tlx_command(*args)
    [path] = Path("runs/a-b").iterdir()
    assert code == 0 and f"wrote {path}\n" in err and "wrote" not in out and path.name.startswith("a-b.shift.")
    code, _, err = tlx_command(*args, "--out", "other")
    assert code == 0 and (tmp_path / "other" / path.name).exists()
    code, out, err = tlx_command(*args[:3], "--over", "weight=1,2", *args[3:])
    assert code == 2 and "--over" in err
    code, _, err = tlx_command("sweep", *args[1:], "--over", "weight=1,2")
    assert code == 0 and "1 of 2 results are there already" in err and len(list(Path("runs/a-b").iterdir())) == 2


def test_sweep_passes_its_options_on(good, tlx_command, monkeypatch, seen):
    sweep = seen("sweep", [Finished(), Failed()])
    monkeypatch.setattr(tlx.report, "render", lambda results, selectors=False: f"table {len(results)} {selectors}")
    code, out, err = tlx_command(*"sweep a:b shift --over x=1,2 --over y=0.5 --set z=3 --steps 5 --out o".split())
    assert (code, out) == (1, "table 2 False\ntable 2 True\n") and err == "Error: failed: a->b shift: it diverged\n"
    assert sweep["args"] == ("a:b", "shift", {"x": ["1", "2"], "y": ["0.5"]})
    assert (sweep["settings"], sweep["steps"], sweep["out"]) == (("z=3",), 5, "o")
    assert tlx_command("sweep", "a:b", "shift", "--over", "x=") == (
        1, "", "Error: --over: got 'x=', expected KEY=V1,V2, a setting and its values\n"
    )  # fmt: skip
    code, _, err = tlx_command("sweep", "a:b", "shift")
    assert code == 2 and "Missing option '--over'" in err


TRACKER = """
from tlx import hookimpl

class Lines:
    def __init__(self, where):
        self.where = where

    def tlx_run_started(self, spec): ...

@hookimpl
def tlx_trackers(register):
    register("lines", Lines)
"""


def test_bench_passes_its_options_on(good, tlx_command, monkeypatch, seen, tmp_path):
    monkeypatch.chdir(tmp_path)
    bench = seen("bench", [Finished(), Failed()])
    monkeypatch.setattr(tlx.report, "render", lambda results: f"table of {len(results)}")
    code, out, err = tlx_command(*"bench quick --strategies a,b --tasks c:d --seeds 2 --out o".split())
    assert (code, out) == (1, "table of 2\n")
    assert err == "Error: 1 of 2 runs failed:\n  a->b shift: it diverged\n"
    lab = bench.pop("lab")
    assert (lab.plugins, lab.observers, lab.embeddings) == ((), (), False)
    assert bench == {
        "args": ("quick",), "strategies": ["a", "b"], "tasks": ["c:d"], "seeds": 2, "out": "o", "weights": None,
        "steps": None, "epochs": None, "recipe_set": (),
    }  # fmt: skip
    tlx_command("bench", "quick", "--epochs", "2.5")
    assert (bench["steps"], bench["epochs"]) == (None, 2.5)
    tlx_command(*"bench quick --seed 4 --seed 7 --steps 9 --lr 0.1 --recipe-set rounds=2".split())
    assert (bench["seeds"], bench["steps"], bench["recipe_set"]) == ([4, 7], 9, ("lr=0.1", "rounds=2"))
    Path("mine.py").write_text(TRACKER)
    tlx_command("bench", "quick", "--plugin", "mine.py", "--track", "lines:events", "--track", "lines:a:b")
    assert [item.where for item in bench["lab"].observers] == ["events", "a:b"]
    tlx_command("bench", "quick", "--keep-embeddings")
    assert bench["lab"].embeddings


def test_absent_tasks_are_named_once_and_fail_a_suite_only_if_nothing_ran(good, tlx_command, monkeypatch):
    monkeypatch.setattr(tlx.report, "render", lambda results: "table")
    monkeypatch.setattr(Lab, "bench", lambda *_, **__: [Absent(), Absent(), Finished()])
    assert tlx_command("bench", "quick") == (0, "table\n", "Absent: svhn->b@P: svhn is not here\n")
    monkeypatch.setattr(Lab, "bench", lambda *_, **__: [Absent(), Absent()])
    code, _, err = tlx_command("bench", "quick")
    assert code == 1 and err.endswith("Error: nothing ran: the data of every task are absent\n")


def test_a_task_that_begins_with_an_arrow_is_no_option(good, tlx_command):
    code, _, err = tlx_command("run", "->tfds:no_such@P-5k", "shift")
    assert code == 1 and "no_such" in err


def test_report(tlx_command, monkeypatch, tmp_path):
    def told(folder, style, **options):
        return f"{style} of {folder}, {sorted(options.items())}\n"

    monkeypatch.setattr(tlx.report, "report", told)
    plain = "[('interval', 't')]"
    assert tlx_command("report", "somewhere", "--format", "csv") == (0, f"csv of somewhere, {plain}\n", "")
    _, given, _ = tlx_command("report", "x", "--baseline", "mmd", "--interval", "bootstrap", "--overview", "last")
    assert given.startswith("terminal of x, [('baseline', 'mmd'), ('interval', 'bootstrap'), ('overview', 'last')")
    path = tmp_path / "page.html"
    args = ("report", "somewhere", "--selectors", "--out")
    assert tlx_command(*args, str(path)) == (0, "", f"wrote {path}\n")
    assert path.read_text().startswith("terminal of somewhere") and "('selectors', True)" in path.read_text()
    assert list(tmp_path.iterdir()) == [path]
    code, _, err = tlx_command(*args, str(tmp_path / "no" / "page.html"))
    assert code == 1 and "cannot be written to" in err and "No such file" in err
    monkeypatch.undo()
    code, _, err = tlx_command("report", str(tmp_path / "nowhere"))
    assert code == 1 and err.startswith("Error: ") and "nowhere" in err


def test_check_calls_the_checks_of_each_kind(good, tlx_command, monkeypatch):
    import tlx.testing as kit

    def passes(subject):
        return [kit.CheckResult("builds", True, "")]

    def fails(subject):
        return [kit.CheckResult("descends", False, "return a scalar")]

    monkeypatch.setattr(kit, "check_backbone", passes)
    monkeypatch.setattr(kit, "check_strategy", fails)
    passed = "backbone 'tiny': 1 of 1 checks passed\n"
    assert tlx_command("check", "tiny")[:2] == (0, f"{passed}1 checked, all as it should be\n")
    failed = "strategy 'shift': 0 of 1 checks passed\n  FAILED  descends: return a scalar\n"
    assert tlx_command("check", "shift")[:2] == (1, f"{failed}1 checked, 1 to change\n")
    for target in ("good", "cli_good"):  # the plugin's name, and its module's
        code, out, _ = tlx_command("check", target)
        assert code == 1 and "2 checked, 1 to change" in out
    code, out, _ = tlx_command("check", "cli_shift")  # a module that is no registered plugin
    assert code == 1 and "strategy 'shift'" in out


def test_check_names_what_is_wrong_with_a_file(good, tlx_command, tmp_path):
    path = tmp_path / "mine.py"
    path.write_text("x = 1")
    code, _, err = tlx_command("check", str(path))
    assert code == 1 and "mine.py, line 1: it has no hook and no strategy" in err
    path.write_text(HOOKS + "@hookimpl\ndef tlx_strategies(register):\n    register('x', 'tlx.errors:Missing')")
    code, out, _ = tlx_command("check", str(path))
    assert code == 1 and "FAILED  strategy 'x': target 'tlx.errors:Missing'" in out
    path.write_text(HOOKS + "@hookimpl\ndef tlx_run_started(spec): pass")
    code, _, err = tlx_command("check", str(path))
    assert code == 1 and "nothing to check" in err


@pytest.mark.parametrize("args", [["--help"], ["list"], ["list", "--json"], ["plugins"], ["report", "--help"]])
def test_answers_without_jax(args):
    code = (
        "import sys\nfrom tlx.cli import main\n"
        f"try:\n    main({args})\nexcept SystemExit:\n    pass\n"
        "sys.exit(' '.join({'jax', 'flax', 'optax', 'scipy', 'sklearn', 'rich'} & sys.modules.keys()) or 0)"
    )
    environ = {name: value for name, value in os.environ.items() if name != "TLX_PLUGINS"}
    root = Path(__file__).parents[1]
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environ, cwd=root)
    assert found.stdout and (found.returncode, found.stderr.strip()) == (0, "")


def test_group_is_a_click_group_for_plugins():
    from tlx.cli import cli

    assert isinstance(cli, click.Group)
