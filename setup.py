"""Compiles the native kernels where a C++ compiler is found; without one tlx installs, and runs on XLA's kernels."""

from importlib.util import find_spec
from pathlib import Path

from setuptools import Extension, setup


def kernels() -> list[Extension]:
    """The library of `tlx.native`; none where jaxlib, which brings the headers of XLA's interface, is absent."""
    spec = find_spec("jaxlib")
    folders = [Path(place, "include") for place in (spec and spec.submodule_search_locations) or ()]
    headers = [folder for folder in folders if (folder / "xla/ffi/api/ffi.h").is_file()]
    if not headers:
        return []
    extension = Extension(
        "tlx.native.kernels",  # a library for ctypes, and no module of Python's: the one file serves every version
        ["tlx/native/targets.cc"],
        depends=[str(path) for path in sorted(Path("tlx/native").glob("*.h"))],
        include_dirs=[str(headers[0])],
        # Contraction allows a * b + c to be rounded once. No flag here may name the machine that compiles.
        extra_compile_args=["-O3", "-std=c++17", "-fvisibility=hidden", "-ffp-contract=fast", "-g0", "-Wno-psabi"],
        language="c++",
        optional=True,
        py_limited_api=True,
    )
    return [extension]


setup(ext_modules=kernels(), options={"bdist_wheel": {"py_limited_api": "cp311"}})
