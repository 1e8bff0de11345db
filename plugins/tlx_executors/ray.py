"""Tasks of a Ray cluster, one a group, whose nodes need not see the folder of results."""

import base64
import contextlib
import importlib
import io
import json
import os
import queue
import socket
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tlx import SettingError
from tlx.executors import (
    CannotRun,
    Elsewhere,
    Executor,
    Job,
    ProcessDied,
    Registry,
    Result,
    Runner,
    Tell,
    Wire,
    Worker,
    hear,
    in_memory,
    options_for,
    order,
)
from tlx_executors.desk import Desk
from tlx_executors.places import MEMORY, THREADS

MOST = 256  # groups at once, each of which takes a thread here
PATIENCE = 10.0  # seconds for the machine of a cluster's address to answer
FORWARDED = ("JAX_", "XLA_", "TLX_PLUGINS", "TLX_NATIVE")  # variables on which the numbers of a run depend


@dataclass(frozen=True)
class Ray(Executor):
    """Tasks of a Ray cluster, one a group of runs; its nodes need tlx, and need not see the folder of results.

    `address` is that of the cluster: "auto" for the one that this machine belongs to, "local" for one that is started
    here. `jobs` is how many groups are Ray's at once, 0 for 256. A task asks for `cpus`, `gpus` (a part of one has its
    part of the memory), `mem_gb` and `resources` by name, as {"TPU": 4}; `overrides` changes these by task and
    strategy, as those of a `tlx.Suite`. With `autoscaling` a task may ask for what no node has yet.

    Plugin files and datasets in memory are sent along, and results come back to this process, which writes them. A
    task whose process or node dies is tried again `max_retries` times, from the start; after that its runs are failed
    ones, and say why.

    Raises:
        SettingError: a number below 0, or an address of Ray's client.
    """

    address: str = "auto"
    jobs: int = 0
    cpus: float = 1.0
    gpus: float = 0.0
    mem_gb: float = 0.0
    resources: dict[str, float] = field(default_factory=dict)
    max_retries: int = 1
    autoscaling: bool = False
    overrides: dict[str, dict[str, Any]] = field(default_factory=dict)

    def __post_init__(self):
        for key in ("jobs", "cpus", "gpus", "mem_gb", "max_retries"):
            if getattr(self, key) < 0:
                raise SettingError(f"Executor 'ray': {key} is {getattr(self, key)}; expected 0 or more.")
        if "://" in self.address:
            raise SettingError(
                f"Executor 'ray': address is '{self.address}'; expected HOST:PORT, auto or local, as Ray's client does "
                "not hear what a task tells before its end."
            )

    def map(self, run: Runner, groups: Sequence[Sequence[Job]]) -> Iterator[Result]:
        """Yields the results of groups as they come; hooks are called here, of every task."""
        try:
            ray: Any = importlib.import_module("ray")
        except ImportError:
            raise SettingError("Executor 'ray' needs Ray; expected: pip install 'tlx[ray]'.") from None
        with _connected(ray, self.address):
            asked = [_task_options(options_for(self, group[0])) for group in groups]
            if not self.autoscaling:
                for options in asked:
                    _refuse_lack(options, ray.nodes())
            tasks = _Tasks(self, ray, run, groups)
            yield from tasks.results(range(min(self.jobs or MOST, len(groups))))


class _Tasks(Desk):
    """Has groups done by tasks."""

    def __init__(self, options: Ray, ray: Any, run: Runner, groups: Sequence[Sequence[Job]]):
        super().__init__(run, groups, 1 + options.max_retries)
        self.options, self.ray, self.task = options, ray, ray.remote(work)
        self.files = _texts(groups)
        self.datasets: dict[str, Any] = {}
        self.under_way: dict[int, Any] = {}

    def attempt(self, place: int, group: Sequence[Job], tell: Tell) -> list[Result]:
        """The results by a task; the claims of the group are held here meanwhile."""
        return Elsewhere(self.run, lambda jobs: self._run(place, jobs, tell), tell).grid(group)

    def end(self) -> None:
        """Cancels all tasks."""
        with self.lock:
            for lines in self.under_way.values():
                self.ray.cancel(lines)

    def _run(self, place: int, jobs: Sequence[Job], tell: Tell) -> list[Result]:
        where, specs = "", {job.spec.hash: job.spec for job in jobs}
        try:
            for ref in self._lines(place, jobs):
                told = json.loads(self.ray.get(ref))
                if told["kind"] == "at":
                    where = f" on {told['host']}"
                elif told["kind"] == "kept":
                    self._keep(specs[told["spec"]], told["npz"])
                elif (results := hear(told, jobs, tell)) is not None:
                    return results
            raise ProcessDied(f"its Ray task{where} ended without results")
        except CannotRun as error:
            raise ProcessDied(f"its Ray task{where} cannot run it: {error}") from None
        except self.ray.exceptions.RayError as error:
            text = " ".join(str(getattr(error, "cause", None) or error).split())
            raise ProcessDied(f"its Ray task{where} died ({type(error).__name__}): {text:.500}") from None
        finally:
            with self.lock:
                self.under_way.pop(place, None)

    def _keep(self, spec: Any, npz: str) -> None:
        assert self.run.store
        with np.load(io.BytesIO(base64.b64decode(npz)), allow_pickle=False) as arrays:
            self.run.store.keep(spec, dict(arrays))

    def _lines(self, place: int, jobs: Sequence[Job]) -> Any:
        """What a new task tells, as it comes."""
        asked = order(self.run, jobs)
        with self.lock:
            if not self.open:
                raise ProcessDied("the executor has ended")
            names = in_memory(self.run, jobs)
            for name in names:
                if name not in self.datasets:
                    assert self.run.registry
                    self.datasets[name] = self.ray.put(self.run.registry.get("datasets", name))
            refs = [self.datasets[name] for name in names]
            sent = {"order": asked, "files": self.files, "datasets": [ref.hex() for ref in refs]}
            options = _task_options(options_for(self.options, jobs[0]))
            self.under_way[place] = self.task.options(**options).remote(json.dumps(sent), *refs)
            return self.under_way[place]


@contextlib.contextmanager
def _connected(ray: Any, address: str) -> Iterator[None]:
    """Within it this process belongs to the cluster; it stays so where it did before."""
    if ray.is_initialized():
        yield
        return
    host, colon, port = address.rpartition(":")
    try:
        if colon and port.isdigit():  # Ray itself would wait minutes for one that is not there
            socket.create_connection((host, int(port)), PATIENCE).close()
        ray.init(address=address, log_to_driver=False)
    except Exception as error:  # Ray has no class for it: of a node that is too slow to start it is this one
        raise SettingError(
            f"There is no Ray cluster at '{address}' ({' '.join(str(error).split()):.300}); expected one "
            "(ray start --head), the address of one, or address=local for one that is started here."
        ) from None
    try:
        yield
    finally:
        ray.shutdown()


def _task_options(asked: Ray) -> dict[str, Any]:
    """What Ray is asked for, with the environment of the process; JAX reads that when it is imported."""
    environ = {name: value for name, value in os.environ.items() if name.startswith(FORWARDED)}
    environ |= {name: str(max(1, int(asked.cpus))) for name in THREADS}
    environ.pop("JAX_PLATFORMS", None)
    if not asked.gpus and "TPU" not in asked.resources:  # Ray hides GPUs from it so that JAX with CUDA would crash
        environ["JAX_PLATFORMS"] = "cpu"
    if 0 < asked.gpus < 1:
        environ.setdefault("XLA_PYTHON_CLIENT_MEM_FRACTION", f"{MEMORY * asked.gpus:.3f}")
    options = {
        "num_cpus": asked.cpus,
        "num_gpus": asked.gpus or None,
        "memory": int(asked.mem_gb * 2**30) or None,
        "resources": asked.resources or None,
        "max_retries": 0,  # what a task has told already would be told again: `_Tasks` tries again itself
        "runtime_env": {"env_vars": environ},
    }
    return {key: value for key, value in options.items() if value is not None}


def _refuse_lack(options: Mapping[str, Any], nodes: Sequence[Mapping[str, Any]]) -> None:
    """Raises SettingError where no node has what a task asks for, which Ray would wait for without end."""
    asked = {"CPU": options["num_cpus"], "GPU": options.get("num_gpus", 0), "memory": options.get("memory", 0)}
    need = {key: value for key, value in {**asked, **options.get("resources", {})}.items() if value}
    have = [_plain(node["Resources"]) for node in nodes if node["Alive"]]
    if not any(all(node.get(key, 0) >= value for key, value in need.items()) for node in have):
        known = "; ".join(map(_amounts, have))
        raise SettingError(
            f"No node of the Ray cluster has {_amounts(need)}; nodes have: {known}. "
            "Expected less, or autoscaling=true where the cluster can grow such a node."
        )


def _plain(resources: Mapping[str, float]) -> dict[str, float]:
    """Those that a task may ask for: without the names and the object store of a node."""
    return {key: value for key, value in sorted(resources.items()) if not key.startswith(("node:", "object_store"))}


def _amounts(resources: Mapping[str, float]) -> str:
    return ", ".join(f"{key} {value:g}" for key, value in resources.items())


def _texts(groups: Sequence[Sequence[Job]]) -> dict[str, str]:
    """The texts of the plugin files, by the paths that they have here."""
    files = dict.fromkeys(file for group in groups for job in group for file in job.spec.plugin_files)
    try:
        return {file: Path(file).read_text() for file in files}
    except OSError as error:
        raise SettingError(f"The plugin file cannot be read, and so not be sent: {error}.") from None


class _Lines:
    """What a wire writes, as a queue."""

    def __init__(self):
        self.queue: queue.SimpleQueue[str] = queue.SimpleQueue()

    def write(self, text: str) -> None:
        """As that of a file."""
        self.queue.put(text)

    def flush(self) -> None:
        """As that of a file."""


class _Wire(Wire):
    """The wire of a task: the embedding of a run goes along, and who asked says himself when the run is finished."""

    worker: Worker

    def tlx_run_finished(self, spec: Any, result: Result) -> None:
        """As the hook."""
        store = self.worker.runner and self.worker.runner.store
        if store and (kept := store.path(spec).with_suffix(".npz")).exists():
            self.tell("kept", spec=spec.hash, npz=base64.b64encode(kept.read_bytes()).decode())


_wires: dict[str, _Wire] = {}  # the last one of this process of Ray's, whose worker has data, by what those depend on


def work(sent: str, *datasets: Any) -> Iterator[str]:
    """A task: does an order, and yields what a worker tells, line by line.

    `sent` is JSON: the order, the texts of plugin files, and by what names Ray has the `datasets`.
    """
    lines = _Lines()

    def serve() -> None:
        try:
            _do(json.loads(sent), datasets, lines)
        except Exception as error:
            Wire(lines).tell("error", error=f"{type(error).__name__}: {error}", ends=False)
        finally:
            lines.write("")

    threading.Thread(target=serve, daemon=True).start()
    yield json.dumps({"kind": "at", "host": socket.gethostname()})
    while line := lines.queue.get():
        yield line


def _do(asked: Mapping[str, Any], datasets: Sequence[Any], lines: _Lines) -> None:
    key = json.dumps([asked["files"], asked["datasets"]])
    if key not in _wires:
        _wires.clear()
        wire = _Wire(lines)
        wire.worker = Worker(wire, _registry(asked["files"], datasets))
        _wires[key] = wire
    wire, order = _wires[key], asked["order"]
    wire.out = lines
    with tempfile.TemporaryDirectory() if order["run"]["embeddings"] else contextlib.nullcontext() as folder:
        wire.worker.work({**order, "run": {**order["run"], "folder": folder}})


def _registry(files: Mapping[str, str], datasets: Sequence[Any]) -> Registry:
    """The registry with plugin files of these texts, and with datasets."""
    folder = Path(tempfile.mkdtemp(prefix="tlx-plugins-"))  # it stays, for messages that name lines
    paths = [folder / str(number) / Path(file).name for number, file in enumerate(files)]
    for path, text in zip(paths, files.values(), strict=True):
        path.parent.mkdir()
        path.write_text(text)
    registry = Registry.load(paths)
    for dataset in datasets:
        registry.add_dataset(dataset)
    return registry
