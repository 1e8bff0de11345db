"""Runs and suites of runs: specs, results, and the folder that holds them. Importing this does not import JAX."""

from tlx.runs.api import absences, bench, failures, run, sweep
from tlx.runs.result import Result
from tlx.runs.spec import Spec
from tlx.runs.store import Store, load_all
from tlx.runs.suite import Suite

__all__ = ["Result", "Spec", "Store", "Suite", "absences", "bench", "failures", "load_all", "run", "sweep"]
