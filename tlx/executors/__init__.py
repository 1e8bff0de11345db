"""Executors: where the runs of a suite take place. What a plugin needs to bring one of its own."""

from tlx.executors.executor import Executor, Serial, make_executor, options_for, read_options
from tlx.executors.order import CannotRun, Elsewhere, ProcessDied, Tell, hear, order
from tlx.executors.process import Place, Process, give_up, in_memory, refuse_memory
from tlx.executors.wire import Wire, Worker
from tlx.plugins import Registry
from tlx.runs.resolve import Job
from tlx.runs.result import Result
from tlx.runs.runner import Runner
from tlx.runs.spec import joint_hash

__all__ = [
    "CannotRun",
    "Elsewhere",
    "Executor",
    "Job",
    "Place",
    "Process",
    "ProcessDied",
    "Registry",
    "Result",
    "Runner",
    "Serial",
    "Tell",
    "Wire",
    "Worker",
    "give_up",
    "hear",
    "in_memory",
    "joint_hash",
    "make_executor",
    "options_for",
    "order",
    "read_options",
    "refuse_memory",
]
