"""What a command line may get wrong: each is told by its name, and nothing is dropped in silence."""

import subprocess
import sys

import pytest

from tlx.errors import UnknownName
from tlx.plugins import Registry

RUN = ("run", "a:b", "shift", "--backbone", "net", "--recipe", "short")
SWEEP = ("sweep", *RUN[1:])


@pytest.fixture
def command(registry, world, tlx_command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Registry, "load", lambda files: registry)
    return tlx_command


@pytest.mark.parametrize(
    ("args", "told"),
    [
        ((*RUN, "--set", "weight=1", "--set", "weight=2"), "the setting 'weight' is given twice, as 1 and 2"),
        ((*RUN, "--set", "lr=1"), "lr is a field of the recipe: expected --lr or --recipe-set lr=VALUE"),
        ((*RUN, "--lr", "1", "--recipe-set", "lr=2"), "the recipe field 'lr' is given twice, as 1 and 2"),
        ((*RUN, "--steps", "1", "--recipe-set", "steps=2"), "the recipe field 'steps' is given twice"),
        ((*RUN, "--recipe-set", "weight=2"), "A setting of the strategy is given by --set weight=VALUE"),
        ((*RUN, "--set", "seed=2"), "seed is an option of its own: expected --seed, in Python seeds=[N]"),
        ((*RUN, "--set", "out=x"), "out is an option of its own: expected --out"),
        ((*RUN, "--recipe-set", "backbone=x"), "backbone is an option of its own: expected --backbone"),
        ((*RUN, "--lr", "-1"), "lr is -1.0; expected 0 or more"),
        ((*RUN, "--epochs", "0"), "epochs is 0.0; expected a number above 0"),
        ((*RUN, "--epochs", "2", "--steps", "4"), "steps and epochs are two ways to say how long a run is"),
        ((*RUN, "--save", ""), "--save is ''; expected the folder"),
        (("reproduce", "x", "--report", "--out", ""), "--out is ''; expected the path of a folder"),
        ((*RUN, "--seeds", "2", "--seed", "4"), "--seeds 2 and --seed 4 both say which seeds run"),
        ((*RUN, "--seeds", "1000000000"), "seeds is 1000000000; expected 1 or more, at most 10000"),
        ((*RUN, "--seed", "4294967296"), "expected different whole numbers from 0 to 4294967295"),
        ((*RUN, "--steps", "3000000000"), "steps is 3000000000; expected a whole number"),
        ((*RUN, "--out", ""), "out is ''; expected the path of a folder"),
        ((*SWEEP, "--over", "weight=1", "--over", "weight=2"), "--over: 'weight' is given twice"),
        ((*SWEEP, "--over", "weight=1", "--set", "weight=2"), "'weight' has one value by the settings and several"),
        (("list", "--json", "--markdown"), "--json and --markdown are two forms of one list"),
        (("bench", "tiny", "--tasks", ""), "--tasks is ''; expected one or more names"),
        (("bench", "tiny", "--strategies", ","), "--strategies is ','; expected one or more names"),
        (("rank", "--target", "a", "--backbones", ""), "--backbones is ''; expected one or more names"),
        (("report", ".", "--out", ""), "--out is ''; expected the path of a file"),
        (("report", ".", "--out", "."), "--out is '.'; expected the path of a file"),
        (("run", "folder:A->folder:A", "shift"), "'folder:A' is source and target; expected different datasets"),
        (("run", "./A->./B", "shift"), "'./A' is a path; expected a name, as 'folder:./A'"),
        (("run", "folder:/x->y/z->folder:/b", "shift"), "Where '->' is of a path, it is written as -%3E"),
        (("run", "folder:/x+y->a", "shift"), "Where '+' is of a path, it is written as %2B"),
        (("run", "a:\x1b[2Jb", "shift"), "Unknown dataset 'a:\\x1b[2Jb'"),
        (("run", "a->b@", "shift"), "Task name 'a->b@'; expected 'source->target'"),
    ],
)
def test_it_is_told(command, world, tmp_path, args, told):
    code, out, err = command(*args)
    assert (code, out) == (1, "") and told in err and err.count("\n") == 1
    assert world.calls == [] and list(tmp_path.iterdir()) == []


def test_fields_of_the_recipe_and_a_seed_of_its_own(command, world, tmp_path):
    code, _, err = command(*RUN, "--lr", "0.5", "--batch", "4", "--optimizer", "adam", "--recipe-set", "rounds=2",
                           "--seed", "42")  # fmt: skip
    assert code == 0, err
    [path] = tmp_path.glob("runs/a-b/*.json")
    text = path.read_text()
    assert (
        "--seed 42 --recipe-set lr=0.5 --recipe-set batch=4 --recipe-set optimizer=adam --recipe-set rounds=2" in text
    )
    assert len(world.outcomes[0].evaluations) == 2 and world.outcomes[0].seeds == (42,)


def test_no_plugin_is_loaded_for_an_empty_variable(tlx_command, monkeypatch):
    monkeypatch.setenv("TLX_PLUGINS", "")
    assert "Warning: TLX_PLUGINS is empty, so no plugin is loaded; expected names" in tlx_command("list")[2]


def test_a_home_of_nobody(tlx_command, monkeypatch):
    monkeypatch.setenv("TLX_DATA_DIR", "~nobody-of-this-name/x")
    code, _, err = tlx_command("data", "list")
    assert code == 1 and "TLX_DATA_DIR is '~nobody-of-this-name/x': there is no such user; expected" in err
    assert "RuntimeError" not in err


def test_standard_output_that_cannot_be_written():
    code = "from tlx.cli import main\nmain(['list', 'recipes'])"
    for to, status, told in ((">/dev/full", 1, "cannot be written: No space left"), (">&-", 0, "output is closed")):
        found = subprocess.run(["sh", "-c", f'exec "$0" "$@" {to}', sys.executable, "-c", code], capture_output=True)
        err = found.stderr.decode()
        assert found.returncode == status and told in err and err.count("\n") == 1 and "OSError" not in err


def test_an_unknown_name_does_not_bring_all_names():
    told = str(UnknownName("recipe", "xyzzy", [f"recipe{number:02}" for number in range(50)]))
    assert told.endswith("recipe18, recipe19, and 30 more: tlx list.")
