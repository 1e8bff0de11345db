"""Datasets, protocols and tasks on the host, in NumPy: what a task's arrays are. Nothing here imports JAX."""

from tlx.data.choose import chosen, fifth
from tlx.data.decode import decode_image, read_image
from tlx.data.in_memory import from_arrays
from tlx.data.load import load_task
from tlx.data.protocol import Draw, Protocol
from tlx.data.task import Arrays, Dataset, Rows, Task, TaskData
from tlx.data.task_names import TaskName, parse, task_name

__all__ = [
    "Arrays",
    "Dataset",
    "Draw",
    "Protocol",
    "Rows",
    "Task",
    "TaskData",
    "TaskName",
    "chosen",
    "decode_image",
    "fifth",
    "from_arrays",
    "load_task",
    "parse",
    "read_image",
    "task_name",
]
