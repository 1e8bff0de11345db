"""Data on the host, in NumPy: datasets, tasks, and the arrays that a task shows. Nothing here imports JAX."""

from tlx.data.files import File, fetch
from tlx.data.load import load_task
from tlx.data.prepared import Prepared, Ready
from tlx.data.split import chosen
from tlx.data.task import Arrays, Dataset, Protocol, Rows, Task, TaskData, task_name

__all__ = [
    "Arrays",
    "Dataset",
    "File",
    "Prepared",
    "Protocol",
    "Ready",
    "Rows",
    "Task",
    "TaskData",
    "chosen",
    "fetch",
    "load_task",
    "task_name",
]
