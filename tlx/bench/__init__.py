"""Runs and suites of runs: specs, results, and the folder that holds them. Importing this does not import JAX.

`tlx.bench` is this package and, called, the function `tlx.bench.api.bench`.
"""

import sys
from types import ModuleType
from typing import Any

from tlx.bench.api import absences, bench, failures, run, sweep
from tlx.bench.result import Result
from tlx.bench.spec import Spec
from tlx.bench.store import Store, load_all
from tlx.bench.suite import Suite

__all__ = ["Result", "Spec", "Store", "Suite", "absences", "bench", "failures", "load_all", "run", "sweep"]


class _Package(ModuleType):
    """The package, which can be called: an import of any part of it makes `tlx.bench` the package, not the function."""

    def __call__(self, *args: Any, **settings: Any) -> list[Result]:
        return bench(*args, **settings)


sys.modules[__name__].__class__ = _Package
