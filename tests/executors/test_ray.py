"""Suites as tasks of a Ray cluster of two nodes on this machine."""

import importlib
import sys
import time
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from elsewhere import PLUGIN, bare, by_one_thread

from tlx import Lab, Suite
from tlx.data import from_arrays
from tlx.errors import ResultError, SettingError
from tlx.executors import order
from tlx_executors import ray as module
from tlx_executors.ray import Ray

PATIENCE = 60.0  # seconds for a node to start: Ray itself gives up after 30, which a busy machine may need
TRIES = 5  # of a node to start: it ends itself where its two agents, Python processes, take more than 15 s


def patient(get_node):
    """Ray's look for a node that is starting, which comes back when the node is there."""

    def look(*where):
        until = time.monotonic() + PATIENCE
        while True:
            try:
                return get_node(*where)
            except RuntimeError:  # not yet
                if time.monotonic() > until:
                    raise
            time.sleep(0.1)

    return look


def add(cluster, **node):
    """Starts a node, and comes back when it is there."""
    for tried in range(TRIES):
        try:
            return cluster.add_node(wait=False, **node)
        except Exception:  # Ray has no class for it
            if tried == TRIES - 1:
                raise


@pytest.fixture(scope="module")
def cluster(data_folders):
    """A cluster of two nodes of one core each, the second one with a resource, that this process belongs to."""
    ray = pytest.importorskip("ray", reason="the executor ray needs Ray: pip install 'tlx[ray]'")
    cluster_utils: Any = importlib.import_module("ray.cluster_utils")
    services: Any = importlib.import_module("ray._private.services")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_AUTH_MODE", "disabled")
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_gcs_server_port_wait_time_s", str(int(PATIENCE)))
        patch.setattr(services, "get_node", patient(services.get_node))
        made = cluster_utils.Cluster()
        light = {"num_cpus": 1, "include_dashboard": False, "include_log_monitor": False, "no_monitor": True}
        try:
            add(made, **light)  # first, as this process connects to it
            add(made, num_cpus=1, resources={"disk": 1})
            ray.init(address=made.address, log_to_driver=False)
            yield made
        finally:
            ray.shutdown()
            made.shutdown()


@pytest.fixture
def plugin(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(PLUGIN)
    return path


class Removes:
    """An observer that takes the node with a disk away at the first round of a strategy, and adds another one."""

    def __init__(self, cluster, strategy):
        self.cluster, self.strategy, self.started, self.done = cluster, strategy, [], False

    def tlx_run_started(self, spec):
        self.started.append(spec.strategy)

    def tlx_round_finished(self, spec, progress):
        if spec.strategy == self.strategy and not self.done:
            self.done = True
            [node] = self.cluster.worker_nodes
            self.cluster.remove_node(node)
            add(self.cluster, num_cpus=1, resources={"disk": 1})


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"gpus": -1}, "Executor 'ray': gpus is -1; expected 0 or more"),
        ({"address": "ray://a:1"}, "address is 'ray://a:1'; expected HOST:PORT, auto or local"),
    ],
)
def test_options_that_cannot_be_are_named(options, told):
    with pytest.raises(SettingError, match=told):
        Ray(**options)


def test_what_is_not_installed_is_named(lab, job, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(SettingError, match=r"Executor 'ray' needs Ray; expected: pip install 'tlx\[ray\]'"):
        list(Ray().map(lab, [[job]]))


def test_jax_of_a_task_without_a_gpu_takes_the_cpu(monkeypatch):
    monkeypatch.setenv("JAX_PLATFORMS", "cpu")  # of a machine without one, which tells the cluster nothing
    monkeypatch.setenv("XLA_FLAGS", "--some")
    monkeypatch.delenv("XLA_PYTHON_CLIENT_MEM_FRACTION", raising=False)

    def environ(**options):
        asked = module._task_options(Ray(**options))
        return asked, asked["runtime_env"]["env_vars"]

    asked, variables = environ(cpus=2)
    assert "num_gpus" not in asked and variables["JAX_PLATFORMS"] == "cpu" and variables["OMP_NUM_THREADS"] == "2"
    assert variables["XLA_FLAGS"] == "--some"
    asked, variables = environ(gpus=0.5, mem_gb=2)
    assert (asked["num_gpus"], asked["memory"]) == (0.5, 2 * 2**30) and "JAX_PLATFORMS" not in variables
    assert variables["XLA_PYTHON_CLIENT_MEM_FRACTION"] == "0.450"
    assert "JAX_PLATFORMS" not in environ(resources={"TPU": 4})[1]


def test_a_plugin_file_that_cannot_be_sent_is_named(job):
    there = replace(job.spec, plugin_files=("nowhere/mine.py",))
    with pytest.raises(SettingError, match="plugin file cannot be read, and so not be sent: .*'nowhere/mine.py'"):
        module._texts([[replace(job, spec=there)]])


def test_a_cluster_that_does_not_start_is_named():
    class Busy:
        """Ray, whose own errors are of any class."""

        def is_initialized(self):
            return False

        def init(self, **_):
            raise Exception("The current node timed out\nduring startup.")

    with pytest.raises(SettingError, match="no Ray cluster at 'local' .The current node timed out during startup"):
        with module._connected(Busy(), "local"):
            pass


def test_a_resource_that_no_node_has_is_named():
    nodes = [
        {"Alive": True, "Resources": {"CPU": 4.0, "node:1.2.3.4": 1.0, "object_store_memory": 1e9}},
        {"Alive": False, "Resources": {"GPU": 8.0}},
    ]
    module._refuse_lack(module._task_options(Ray(cpus=4)), nodes)
    with pytest.raises(SettingError, match="No node of the Ray cluster has CPU 1, GPU 1; nodes have: CPU 4. Expected"):
        module._refuse_lack(module._task_options(Ray(gpus=1)), nodes)


def test_no_cluster_is_named(tmp_path):
    ray = pytest.importorskip("ray", reason="the executor ray needs Ray: pip install 'tlx[ray]'")
    if ray.is_initialized():
        pytest.skip("this process belongs to a cluster")
    with pytest.raises(SettingError, match="There is no Ray cluster at '127.0.0.1:1'"):
        with module._connected(ray, "127.0.0.1:1"):
            pass


@pytest.mark.slow
@pytest.mark.data
def test_tasks_give_what_one_process_does(plugin, tmp_path, cluster):
    observer = Removes(cluster, "")
    lab = Lab([plugin], [observer], executor=Ray(), embeddings=True, progress=False)
    names = ["source_only", "coral", "where", "deadly"]
    results = lab.bench("five", out=tmp_path / "ray", strategies=names)
    alone = by_one_thread(plugin, tmp_path / "one", strategies=names[:2])
    assert [item.status for item in results] == ["finished", "finished", "failed", "failed"]
    assert bare(results[:2]) == bare(alone)
    assert len(list((tmp_path / "ray").glob("*.npz"))) == 2
    assert "tlx-plugins-" in str(results[2].error), "the file of the plugin is one that was sent"
    assert str(results[3].error).startswith("tried twice: its Ray task on ") and "died" in str(results[3].error)
    assert observer.started.count("deadly") == 3  # and when it is given up
    assert not [path.name for path in (tmp_path / "ray").glob(".*")]
    assert lab.bench("five", out=tmp_path / "ray", strategies=names[:2]) == results[:2]


@pytest.mark.slow
@pytest.mark.data
def test_a_node_that_goes_costs_a_try(plugin, tmp_path, cluster):
    observer = Removes(cluster, "coral")
    executor = Ray(overrides={"coral": {"resources": {"disk": 1}}})
    how = {"strategies": ["coral"], "steps": 1000, "recipe_set": {"rounds": 20}}
    results = Lab([plugin], [observer], executor=executor, progress=False).bench("five", out=tmp_path / "ray", **how)
    assert observer.done and observer.started == ["coral"] * 2
    assert bare(results) == bare(by_one_thread(plugin, tmp_path / "one", **how))


@pytest.mark.slow
def test_datasets_in_memory_are_sent(tmp_path, cluster):
    random = np.random.default_rng(0)
    y = np.arange(60) % 2
    left, right = (
        from_arrays(name, (random.normal(size=(60, 4)) + 2 * y[:, None] + shift, y), classes=("no", "yes"))
        for name, shift in (("left", 0), ("right", 1))
    )
    suite = Suite("mem", ("left->right",), ("source_only",), backbone="mlp", recipe="smoke", seeds=2)
    results = Lab(datasets=[left, right], executor=Ray(), progress=False).bench(suite, out=tmp_path / "ray")
    alone = Lab(datasets=[left, right], progress=False).bench(suite, out=tmp_path / "one")
    assert results[0].finished, results[0].error
    assert results[0].data_hash == alone[0].data_hash and results[0].accuracy() == alone[0].accuracy()


@pytest.mark.slow
@pytest.mark.data
def test_what_the_cluster_lacks_and_other_code_are_named(plugin, tmp_path, cluster, monkeypatch):
    lab = Lab([plugin], executor=Ray(gpus=1), progress=False)
    with pytest.raises(SettingError, match="No node of the Ray cluster has CPU 1, GPU 1"):
        lab.bench("five", out=tmp_path, strategies=["source_only"])

    def ask(run, jobs):
        asked = order(run, jobs)
        return {**asked, "code": {**asked["code"], "codes": {"source_only": "other"}}}

    monkeypatch.setattr(module, "order", ask)
    lab = Lab([plugin], executor=Ray(), progress=False)
    with pytest.raises(ResultError, match="other code of the strategy 'source_only'"):
        lab.bench("five", out=tmp_path, strategies=["source_only"])
