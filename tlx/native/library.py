"""The shared library of kernels: found beside this file, checked, and registered with XLA once a process."""

import contextlib
import ctypes
import functools
import os
import re
import threading
import warnings
from collections.abc import Iterator
from contextvars import ContextVar
from importlib.machinery import EXTENSION_SUFFIXES
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from tlx.errors import SettingError, SlowWarning, TlxError

INTERFACE = 1  # equal to `tlx_native_interface` in targets.cc
LEVELS = ("avx512", "avx2", "neon", "generic")
TARGETS = (
    "tlx_conv",
    "tlx_conv_input_gradient",
    "tlx_conv_weight_gradient",
    "tlx_conv_pool",
    "tlx_conv_pool_input_gradient",
    "tlx_conv_pool_weight_gradient",
    "tlx_depthwise",
    "tlx_depthwise_input_gradient",
    "tlx_depthwise_weight_gradient",
    "tlx_max_pool",
    "tlx_max_pool_spread",
    "tlx_max_pool_collect",
)
REINSTALL = (
    "install a C++17 compiler (g++ or clang++), then tlx again: `pip install -e .` in a checkout, "
    "`pip install --force-reinstall --no-deps --no-binary tlx tlx` elsewhere"
)
AGAINST_THIS_JAXLIB = (
    "compile them against this jaxlib: `pip install 'setuptools>=77'`, then in a checkout of tlx "
    "`pip install --no-deps --no-build-isolation -e .`"
)


class Status(NamedTuple):
    """Which path convolutions take on the CPU. `level`: the instruction set; `reason`, `remedy`: why XLA's path."""

    path: str  # "native" or "xla"
    level: str = ""
    reason: str = ""
    remedy: str = ""

    def __str__(self) -> str:
        if self.path == "native":
            return f"native kernels ({self.level})"
        return f"no native kernels: {self.reason}" + (f"; {self.remedy}" if self.remedy else "")


_portable: ContextVar[bool] = ContextVar("portable", default=False)
lock = threading.Lock()
warned = False
offered = False
refusal: Status | None = None  # set where XLA refuses the kernels


def status() -> Status:
    """The path in use. Loads the library, and not JAX. Raises SettingError where TLX_NATIVE asks for what is absent."""
    return refusal or _loaded()[0]


@contextlib.contextmanager
def portable() -> Iterator[None]:
    """What is traced within is by JAX's own operations alone: for programs that leave this machine."""
    token = _portable.set(True)
    try:
        yield
    finally:
        _portable.reset(token)


def is_portable() -> bool:
    """Whether this is within `portable`."""
    return _portable.get()


def for_cpu() -> bool:
    """Whether what is traced now is for the CPU, JAX's default backend, and not `portable`."""
    import jax

    return jax.default_backend() == "cpu" and not is_portable()


def available() -> bool:
    """True where the kernels can be used: loaded, and `for_cpu`.

    The first call registers them with XLA. Where the CPU must do without them, it warns once a process, with a
    `SlowWarning`, unless TLX_NATIVE=off asked for that.
    """
    global warned
    if not for_cpu():
        return False
    now = _registered()
    if now.path == "native":
        return True
    with lock:
        first, warned = not warned, True
    if first and now.remedy:
        warnings.warn(f"Convolutions take XLA's slower path on this CPU: {now.reason}. To mend it, {now.remedy}.",
                      SlowWarning, stacklevel=2)  # fmt: skip
    return False


def require() -> None:
    """Raises TlxError where the kernels cannot be used."""
    now = _registered()
    if now.path != "native":
        raise TlxError(str(now))


@functools.cache
def _loaded() -> tuple[Status, ctypes.CDLL | None]:
    wanted = os.environ.get("TLX_NATIVE", "")
    if wanted not in ("", "off", *LEVELS):
        raise SettingError(f"TLX_NATIVE is '{wanted}'; expected off or an instruction set: {', '.join(LEVELS)}.")
    if wanted == "off":
        return Status("xla", reason="TLX_NATIVE=off"), None
    path = _path()
    if path is None:
        return Status("xla", reason="they were not compiled when tlx was installed", remedy=REINSTALL), None
    try:
        library = ctypes.CDLL(str(path))
        interface = ctypes.c_int.in_dll(library, "tlx_native_interface").value
        built = tuple(ctypes.c_int.in_dll(library, f"tlx_native_ffi_{part}").value for part in ("major", "minor"))
    except (OSError, ValueError) as error:
        return Status("xla", reason=f"{path.name} cannot be loaded ({error})", remedy=REINSTALL), None
    if interface != INTERFACE:
        reason = f"{path.name} was compiled from other sources (interface {interface}, expected {INTERFACE})"
        return Status("xla", reason=reason, remedy=REINSTALL), None
    running = _ffi_version()
    if running is not None and (running[0] != built[0] or running[1] < built[1]):  # XLA takes older minor versions
        reason = (
            f"they were compiled for version {built[0]}.{built[1]} of XLA's foreign function interface, "
            f"and this jaxlib has {running[0]}.{running[1]}"
        )
        return Status("xla", reason=reason, remedy=AGAINST_THIS_JAXLIB), None
    library.tlx_native_level.restype = ctypes.c_char_p
    names = []
    while name := library.tlx_native_level(len(names)):
        names.append(name.decode())
    level = wanted or names[0]
    if level not in names:
        raise SettingError(f"TLX_NATIVE is '{wanted}', which this CPU lacks; it has: {', '.join(names)}.")
    if level == "generic" and not wanted:
        reason = "this CPU has none of the instruction sets for which they are faster"
        return Status("xla", reason=reason), None
    library.tlx_native_choose(level.encode())
    return Status("native", level), library


def _registered() -> Status:
    """The status, once the kernels have been offered to XLA."""
    global offered, refusal
    now = status()
    if now.path != "native" or offered:
        return now
    import jax

    with lock:
        try:
            for name in TARGETS if not offered else ():
                jax.ffi.register_ffi_target(name, jax.ffi.pycapsule(getattr(_loaded()[1], name)), platform="cpu")
            offered = True
        except Exception as error:  # a jaxlib that refuses them says so in its own way
            refusal = Status("xla", reason=f"XLA refuses them ({error})", remedy=AGAINST_THIS_JAXLIB)
    return status()


def _path() -> Path | None:
    """The extension that setuptools has put beside this file, whatever its suffix."""
    paths = (Path(__file__).parent / f"kernels{suffix}" for suffix in EXTENSION_SUFFIXES)
    return next((path for path in paths if path.is_file()), None)


def _ffi_version() -> tuple[int, int] | None:
    """Major and minor version of the running jaxlib's interface, from its header; None where it has none."""
    spec = find_spec("jaxlib")
    for folder in (spec and spec.submodule_search_locations) or ():
        header = Path(folder, "include/xla/ffi/api/c_api.h")
        if header.is_file():
            found = dict(re.findall(r"#define XLA_FFI_API_(MAJOR|MINOR) (\d+)", header.read_text()))
            if len(found) == 2:
                return int(found["MAJOR"]), int(found["MINOR"])
    return None
