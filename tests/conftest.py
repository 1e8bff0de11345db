import atexit
import gc
import importlib
import os
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from jaxtyping import install_import_hook

pytest_plugins = ("world", "models")  # a small registry and a `train` without JAX; models that the real one trained

STRICT = True  # no implicit promotion of dtypes and ranks, no key used twice
# The files whose tests take longest.
LONG = ("test_learning_settings", "test_learning", "test_blocks", "test_trained", "test_slurm", "test_processes")
KEYS_ONCE = ("engine", "strategies")  # folders of tests in which a random key that is used twice is an error
CHECKED = (  # those whose annotations say shapes: the hook makes every call of a module that it takes slower
    *(f"tlx.{room}" for room in ("augment", "blocks", "contract", "data", "engine", "layers", "ops", "score")),
    *("tlx_backbones", "tlx_scores", "tlx_strategies"),
)

# This stands before the first import of JAX and of tlx; commands that a test starts inherit it.
install_import_hook(CHECKED, "shapes.check")  # every call checks the shapes that its annotations say
if STRICT:
    os.environ["JAX_NUMPY_DTYPE_PROMOTION"] = "strict"
    os.environ["JAX_NUMPY_RANK_PROMOTION"] = "raise"
# Tests compile many programs and run each a few times: these take a third of the time to compile, and run slower.
QUICK_TO_COMPILE = (
    "--xla_backend_optimization_level=0 --xla_cpu_use_fusion_emitters=false --xla_cpu_parallel_codegen_split_count=1"
)
os.environ.setdefault("XLA_FLAGS", QUICK_TO_COMPILE)
os.environ.setdefault("JAX_TRACEBACK_IN_LOCATIONS_LIMIT", "0")  # of every operation of a program that is lowered
# The workers of one run share this folder; nothing of the user's is touched.
if "JAX_COMPILATION_CACHE_DIR" not in os.environ:
    programs = tempfile.mkdtemp(prefix="tlx-programs-")
    atexit.register(shutil.rmtree, programs, ignore_errors=True)
    os.environ["JAX_COMPILATION_CACHE_DIR"] = programs
    # A limit makes JAX lock the folder: without one, a worker may read a program that another has half written.
    os.environ.setdefault("JAX_COMPILATION_CACHE_MAX_SIZE", str(2**34))

hypothesis.settings.register_profile("ci", max_examples=20, deadline=None, derandomize=True)
hypothesis.settings.register_profile("nightly", max_examples=200, deadline=None)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


def pytest_configure(config: pytest.Config):
    """A worker for each core keeps to its own: two that share both cores wait for each other's threads."""
    worker, workers = os.environ.get("PYTEST_XDIST_WORKER", ""), int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", 0))
    if worker and hasattr(os, "sched_getaffinity") and len(os.sched_getaffinity(0)) == workers:
        os.sched_setaffinity(0, {sorted(os.sched_getaffinity(0))[int(worker.removeprefix("gw"))]})


def scope(nodeid: str) -> str:
    """What goes to one worker, as its tests share programs: a file's tests, or those of one subject of the kit."""
    path, _, name = nodeid.partition("::")
    return f"{path} {name.split('-')[0]}" if name.startswith("test_conformance[") else path


def pytest_collection_modifyitems(items: list[pytest.Item]):
    """Tests in the folders `KEYS_ONCE` use `keys_once`. The longest come first: no worker waits for one in the end."""
    sizes = Counter(scope(item.nodeid) for item in items)
    items.sort(key=lambda item: (item.path.stem not in LONG, -sizes[scope(item.nodeid)]))
    for item in items:
        if STRICT and any(folder in KEYS_ONCE for folder in item.path.relative_to(Path(__file__).parent).parts):
            item.add_marker(pytest.mark.usefixtures("keys_once"))


def pytest_collection_finish():
    """What is there now is no garbage, and tracing makes hardly any: collecting it takes a tenth of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(200_000, 50, 1000)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any):
    """Scopes go to workers in the order in which they were collected."""
    from xdist.scheduler import LoadScopeScheduling

    class ByScope(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return scope(nodeid)

    config.option.loadscopereorder = False
    return ByScope(config, log)


@pytest.fixture
def keys_once():
    """A random key that is used twice is an error."""
    import jax

    with jax.debug_key_reuse(True):
        yield


@pytest.fixture(autouse=True, scope="session")
def data_folders(tmp_path_factory: pytest.TempPathFactory):
    """A cache of the tests' own, and for TFDS's folder the one in TLX_TEST_DATA: nothing of the user's is touched."""
    empty = tmp_path_factory.mktemp("no_tfds")
    given = os.environ.get("TLX_TEST_DATA")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TLX_DATA_DIR", str(tmp_path_factory.mktemp("data")))
        patch.setenv("TFDS_DATA_DIR", str(Path(given, "tfds") if given else empty))
        yield


@pytest.fixture(autouse=True)
def few_programs():
    """Drops the compiled programs once they are many: each takes memory maps; Linux allows a process 65,530."""
    yield
    maps = Path("/proc/self/maps")
    if "jax" in sys.modules and maps.exists() and maps.read_bytes().count(b"\n") > 30_000:
        sys.modules["jax"].clear_caches()
        if compiled := sys.modules.get("tlx.engine.compiled"):
            compiled.forget()
        gc.collect()


@pytest.fixture
def distribution(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Installs a package of plugins for one test: `distribution("pkg", {"module": source}, {"plugin": "module"})`.

    Afterwards TLX_PLUGINS picks the plugins made so far, so that a test meets no other.
    """
    folders, names = [], []

    def install(package: str, modules: dict[str, str], points: dict[str, str]) -> Path:
        folder = tmp_path / "installed" / package
        for module, source in modules.items():
            path = folder / f"{module.replace('.', '/')}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(source)
        info = folder / f"{package}-1.2.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.2\n")
        lines = [f"{name} = {module}" for name, module in points.items()]
        (info / "entry_points.txt").write_text("\n".join(["[tlx]", *lines, ""]))
        monkeypatch.syspath_prepend(folder)
        folders.append(str(folder))
        names.extend(points)
        monkeypatch.setenv("TLX_PLUGINS", ",".join(names))
        return folder

    yield install
    for name, module in list(sys.modules.items()):
        if (getattr(module, "__file__", None) or "").startswith(tuple(folders) or "\0"):
            del sys.modules[name]
    importlib.invalidate_caches()


@pytest.fixture
def tlx_command(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Runs a command line in this process: `code, out, err = tlx_command("list", "--json")`."""
    from tlx.cli import main

    def call(*args: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as stop:
            main(args)
        assert isinstance(stop.value.code, int)
        out, err = capsys.readouterr()
        return stop.value.code, out, err

    return call
