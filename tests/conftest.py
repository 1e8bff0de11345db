import gc
import importlib
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

pytest_plugins = ("world",)  # a small registry and a `train` without JAX, for the tests of several rooms

# Tests compile many programs and run each a few times: LLVM's optimisations cost them a third of their time.
os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0")


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
        if program := sys.modules.get("tlx.engine.program"):
            program._compiled.cache_clear()
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
