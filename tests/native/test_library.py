"""What `status()` and `available()` say, and that results do not depend on threads or instruction sets."""

import os
import subprocess
import sys
import warnings
from pathlib import Path

import jax
import pytest

from tlx import SlowWarning, native
from tlx.errors import SettingError, TlxError
from tlx.native import library

DIGEST = Path(__file__).parents[1] / "fixtures" / "native_digest.py"
built = pytest.mark.skipif(native.status().path != "native", reason=str(native.status()))


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch):
    """A library that was not loaded yet, and TLX_NATIVE not set; what was loaded comes back."""
    monkeypatch.delenv("TLX_NATIVE", raising=False)
    monkeypatch.setattr(library, "warned", False)
    monkeypatch.setattr(library, "refusal", None)
    library._loaded.cache_clear()
    yield monkeypatch
    monkeypatch.undo()
    library._loaded.cache_clear()


def test_status_is_sane():
    now = native.status()
    assert now.path in ("native", "xla")
    if now.path == "native":
        assert now.level in library.LEVELS and not now.reason
        assert str(now) == f"native kernels ({now.level})"
        assert native.available() == (jax.default_backend() == "cpu")
    else:
        assert not now.level and now.reason
        assert now.reason in str(now)


def test_status_imports_no_jax():
    code = "import sys, tlx.native; tlx.native.status(); assert 'jax' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def falls_back(reason: str, remedy: str = "install a C"):
    """It warns once, naming the reason and the remedy, and a kernel's call names them too."""
    with pytest.warns(SlowWarning, match=f"{reason}.*{remedy}"):
        assert not native.available()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not native.available()
    with pytest.raises(TlxError, match=reason):
        library.require()


def test_a_library_that_was_not_built(fresh):
    fresh.setattr(library, "_path", lambda: None)
    falls_back("they were not compiled when tlx was installed")


def test_a_library_that_cannot_be_loaded(fresh, tmp_path):
    broken = tmp_path / "kernels.so"
    broken.write_text("not a library")
    fresh.setattr(library, "_path", lambda: broken)
    falls_back("kernels.so cannot be loaded")


@built
def test_a_library_from_other_sources(fresh):
    fresh.setattr(library, "INTERFACE", -1)
    falls_back("was compiled from other sources")


@built
@pytest.mark.parametrize("version", [(77, 1), (0, -1)])
def test_another_version_of_the_interface(fresh, version):
    fresh.setattr(library, "_ffi_version", lambda: version)
    reason = rf"they were compiled for version \d+\.\d+ of XLA's .*, and this jaxlib has {version[0]}\.{version[1]}"
    falls_back(reason, "compile them against this jaxlib")


@built
def test_a_later_minor_version_of_the_interface_is_taken(fresh):
    major, minor = library._ffi_version() or (0, 0)
    fresh.setattr(library, "_ffi_version", lambda: (major, minor + 1))
    assert native.status().path == "native"


@built
def test_kernels_that_xla_refuses(fresh):
    def refuse(*args, **kwargs):
        raise ValueError("no such thing")

    fresh.setattr(library, "offered", False)
    fresh.setattr(jax.ffi, "register_ffi_target", refuse)
    falls_back(r"XLA refuses them \(no such thing\)", "compile them against this jaxlib")
    assert native.status().path == "xla"


@built
def test_the_version_of_the_running_jaxlib_is_found():
    assert library._ffi_version() is not None


def test_off_is_silent(fresh):
    fresh.setenv("TLX_NATIVE", "off")
    assert not native.available()
    assert native.status() == native.Status("xla", reason="TLX_NATIVE=off")


def test_an_unknown_instruction_set(fresh):
    fresh.setenv("TLX_NATIVE", "mmx")
    with pytest.raises(SettingError, match="TLX_NATIVE is 'mmx'; expected off or an instruction set: avx512, avx2"):
        native.status()


@built
def test_an_instruction_set_that_the_cpu_lacks(fresh):
    lacking = next(name for name in ("neon", "avx512") if name not in levels())
    library._loaded.cache_clear()
    fresh.setenv("TLX_NATIVE", lacking)
    with pytest.raises(SettingError, match=f"TLX_NATIVE is '{lacking}', which this CPU lacks; it has: .*generic"):
        native.status()


def levels() -> list[str]:
    """The instruction sets of this CPU."""
    loaded = library._loaded()[1]
    assert loaded is not None
    names = []
    while name := loaded.tlx_native_level(len(names)):
        names.append(name.decode())
    return names


def digest(**environment: str) -> tuple[str, str]:
    """The instruction set of a fresh process, and a digest of its results, which it has compared with float64."""
    path = os.pathsep.join(filter(None, (str(DIGEST.parents[2]), os.environ.get("PYTHONPATH"))))
    env = {**os.environ, "PYTHONPATH": path, **environment}
    out = subprocess.run([sys.executable, str(DIGEST)], env=env, check=True, capture_output=True, text=True).stdout
    level, bits = out.split()
    return level, bits


@built
@pytest.mark.slow
def test_bits_do_not_depend_on_the_number_of_threads():
    assert len({digest(NPROC=threads) for threads in ("1", "2", "8")}) == 1  # NPROC sizes XLA's pool


@built
@pytest.mark.slow
def test_every_instruction_set_is_right():
    for name in levels():
        assert digest(TLX_NATIVE=name)[0] == name


@built
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_fork_does_not_hang():
    code = """
import os, signal
import jax, jax.numpy as jnp
from tlx import native
x, w = jnp.ones((8, 9, 9, 3)), jnp.ones((3, 3, 3, 4))
native.conv(x, w, None, (1, 1), ((0, 0), (0, 0))).block_until_ready()
child = os.fork()
if child == 0:
    signal.alarm(20)
    native.status()
    os._exit(7)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
native.conv(x, w, None, (1, 1), ((0, 0), (0, 0))).block_until_ready()
"""
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True)


def test_no_module_takes_the_place_of_a_function():
    assert not set(native.HOMES) & set(native.HOMES.values())
