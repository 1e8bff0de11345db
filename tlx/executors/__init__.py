"""Executors: where the runs of a suite take place. What a plugin needs to bring one of its own."""

from tlx.executors.executor import Executor, Serial, make_executor
from tlx.executors.process import Place, Process, ProcessDied, give_up, refuse_memory
from tlx.runs.resolve import Job
from tlx.runs.result import Result
from tlx.runs.runner import Runner

__all__ = [
    "Executor",
    "Job",
    "Place",
    "Process",
    "ProcessDied",
    "Result",
    "Runner",
    "Serial",
    "give_up",
    "make_executor",
    "refuse_memory",
]
