"""The plugin of `workers.py`: the cells of `run.py`, made by a process whose host and lease the environment says."""

import functools
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import run

import tlx
from tlx.runs import claims, store

tiny = run.Tiny()
tlx_strategies, tlx_backbones, tlx_datasets = tiny.tlx_strategies, tiny.tlx_backbones, tiny.tlx_datasets
tlx_tasks, tlx_recipes, tlx_selectors = tiny.tlx_tasks, tiny.tlx_recipes, tiny.tlx_selectors


@tlx.hookimpl
def tlx_suites(register):
    """Brings the suite of tiny cells."""
    register("tiny", run.SUITE)


@tlx.hookimpl
def tlx_run_finished(spec, result):
    """Notes which run has ended."""
    run.Notes(Path(os.environ["TORTURE_NOTES"])).tlx_run_finished(spec, result)


run.make_up_the_engine()
run.SECONDS = float(os.environ.get("TORTURE_SECONDS", "0.05"))
claims.this_host = store.this_host = lambda: os.environ["TORTURE_HOST"]
lease = float(os.environ["TORTURE_LEASE"])
claims.Claims.__init__ = functools.partialmethod(claims.Claims.__init__, lease=lease)  # pyright: ignore[reportAttributeAccessIssue]
