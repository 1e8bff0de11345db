"""Runs and suites of runs: specs, results, and the folder that holds them. Importing this does not import JAX."""

from tlx.runs.overrides import Overrides
from tlx.runs.result import Result, absences, failures
from tlx.runs.runner import Save
from tlx.runs.spec import Spec
from tlx.runs.store import Store, load_all
from tlx.runs.suite import Suite

__all__ = ["Overrides", "Result", "Save", "Spec", "Store", "Suite", "absences", "failures", "load_all"]
