import pytest

import tlx
from tlx import Lab
from tlx.data import from_arrays
from tlx.errors import SettingError, UnknownName
from tlx.executors import Serial, options_for, read_options
from tlx.executors.executor import Executor, make_executor
from tlx_executors import places
from tlx_executors.local import Local
from tlx_executors.slurm import Slurm


class Both:
    @tlx.hookimpl
    def tlx_executors(self, register):
        register("serial", Serial)
        register("local", Local)
        register("odd", Executor)


@pytest.fixture
def executors(registry):
    registry.add(Both(), "both")
    return registry


def test_an_executor_is_made_of_a_name_and_options(executors):
    assert make_executor(executors, "serial") == Serial()
    assert make_executor(executors, "local", ["jobs=2", "gpus=0,1"]) == Local(2, "0,1")
    lab = Lab(executor="local", executor_set={"jobs": 3}, registry=executors)
    assert lab.executor == Local(3) and Lab(registry=executors).executor == Serial()


@pytest.mark.parametrize(
    ("name", "options", "told"),
    [
        ("serial", ["jobs=2"], "Executor 'serial' has no option 'jobs'. It has no options."),
        ("local", ["job=2"], "no option 'job'. Did you mean jobs? Its options: jobs: int = 0; gpus: str = auto."),
        ("local", ["jobs=two"], "Executor 'local': got 'two' for jobs; expected int"),
        ("local", ["jobs=1", "jobs=2"], "the option 'jobs' is given twice"),
        ("local", ["jobs"], "got the option 'jobs', expected key=value"),
        ("local", ["jobs=-1"], "jobs is -1; expected 1 or more"),
    ],
)
def test_wrong_options_are_named(executors, name, options, told):
    with pytest.raises(SettingError) as caught:
        make_executor(executors, name, options)
    assert told in str(caught.value)


def test_options_come_from_a_file_and_those_of_the_command_win(tmp_path):
    text = {
        "a.yaml": "executor: local\njobs: 2\ngpus: none\n",
        "a.toml": "executor = 'local'\njobs = 2\ngpus = 'none'\n",
    }
    for name, content in text.items():
        (tmp_path / name).write_text(content)
        assert read_options(tmp_path / name, ["jobs=3"]) == ("local", {"jobs": "3", "gpus": "none"})
    (tmp_path / "b.yaml").write_text("jobs: 1\n")
    assert read_options(tmp_path / "b.yaml") == (None, {"jobs": 1})


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "No such file"),
        ("- a\n", "expected options of an executor, as `timeout_min: 60`"),
        ("a: [", "while parsing"),
        ("executor: 3\n", "executor is 3; expected its name"),
    ],
)
def test_a_file_without_options_is_named(tmp_path, content, told):
    path = tmp_path / "a.yaml"
    if content is not None:
        path.write_text(content)
    with pytest.raises(SettingError, match="a.yaml") as caught:
        read_options(path)
    assert told in str(caught.value)


def test_a_command_takes_an_executor_from_a_file(tlx_command, tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(Lab, "bench", lambda lab, suite, **options: seen.append(lab.executor) or exit(0))
    (tmp_path / "a.yaml").write_text("executor: slurm\njobs: 2\noverrides: {dann: {timeout_min: 240}}\n")
    tlx_command(
        "bench", "quick", "--executor-file", str(tmp_path / "a.yaml"), "--jobs", "4", "--executor-set", "gpus=1"
    )
    assert seen == [Slurm(jobs=4, gpus=1, overrides={"dann": {"timeout_min": 240}})]


def test_options_differ_by_task_and_strategy(world, job_of):
    executor = Slurm(timeout_min=10, overrides={"shift": {"timeout_min": 20}, "a->b shift": {"gpus": 1}})
    assert options_for(executor, job_of(strategy="source_only")) == executor
    changed = options_for(executor, job_of(strategy="shift"))
    assert (changed.timeout_min, changed.gpus) == (20, 1)
    wrong = Slurm(overrides={"shift": {"timeout": 20}})
    with pytest.raises(SettingError, match="Executor 'slurm' has no option 'timeout'. Did you mean timeout_min"):
        options_for(wrong, job_of(strategy="shift"))


def test_an_unknown_executor_and_one_that_is_none(executors):
    with pytest.raises(UnknownName, match="Unknown executor 'locl'. Did you mean local"):
        make_executor(executors, "locl")
    assert [entry.name for entry in executors.entries("executors")] == ["local", "serial"]
    assert "a dataclass that is a tlx.executors.Executor" in str(executors.problems[-1])


def test_a_dataset_in_memory_is_refused_before_a_process_starts(registry, world, tmp_path):
    class Full:
        @tlx.hookimpl
        def tlx_protocols(self, register):
            register("P-full-off", tlx.Protocol("P-full-off", "", 8, 1))

    registry.add(Full(), "full")
    images = registry.get("datasets", "a").train
    mine = from_arrays("mine", (images.x, images.y), classes=("x", "y", "z"))
    lab = Lab(datasets=[mine], executor=Local(2), progress=False, registry=registry)
    suite = tlx.Suite("s", ("mine->b",), ("shift",), backbone="net", recipe="short", seeds=1)
    with pytest.raises(SettingError, match="Dataset 'mine' is in the memory of this process"):
        lab.bench(suite, out=tmp_path)
    assert not (tmp_path / "logs").exists()


@pytest.mark.parametrize(
    ("jobs", "cores", "parts"),
    [
        (2, [0, 1], [(0,), (1,)]),
        (2, [4, 5, 6, 7], [(4, 5), (6, 7)]),
        (2, [0, 1, 2], [(0,), (1, 2)]),
        (3, [0, 1], [(0,), (0,), (1,)]),
        (1, [0, 1], [(0, 1)]),
    ],
)
def test_cores_are_divided_and_threads_match(jobs, cores, parts):
    made = places.divide(jobs, cores, [])
    assert [place.cores for place in made] == parts
    assert all(place.environ["OMP_NUM_THREADS"] == str(len(place.cores)) for place in made)
    assert all("CUDA_VISIBLE_DEVICES" not in place.environ for place in made)


def test_gpus_go_in_turn_and_their_memory_is_shared(monkeypatch):
    monkeypatch.delenv("XLA_PYTHON_CLIENT_MEM_FRACTION", raising=False)
    made = places.divide(3, [0, 1, 2], ["0", "1"])
    assert [place.environ["CUDA_VISIBLE_DEVICES"] for place in made] == ["0", "1", "0"]
    assert [place.environ.get("XLA_PYTHON_CLIENT_MEM_FRACTION") for place in made] == ["0.450", None, "0.450"]


def test_which_gpus_there_are(monkeypatch):
    monkeypatch.delenv("JAX_PLATFORMS", raising=False)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,5")
    assert places.own_gpus("auto") == ["3", "5"] and places.own_gpus("none") == [] and places.own_gpus("0") == ["0"]
    monkeypatch.setenv("JAX_PLATFORMS", "cpu")
    assert places.own_gpus("auto") == []
    with pytest.raises(SettingError, match="gpus is 'two'; expected auto, none, or numbers as 0,1"):
        places.own_gpus("two")
