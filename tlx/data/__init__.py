"""Data on the host, in NumPy: datasets, tasks, and the arrays that a task shows. Nothing here imports JAX."""

from tlx.data.arrays import from_arrays
from tlx.data.features import read_features
from tlx.data.files import File, fetch
from tlx.data.images import decode_image, read_image
from tlx.data.load import load_task
from tlx.data.names import TaskName, parse, task_name
from tlx.data.prepared import Prepared, Ready
from tlx.data.protocol import Draw, Protocol
from tlx.data.split import chosen, fifth
from tlx.data.task import Arrays, Dataset, Rows, Task, TaskData

__all__ = [
    "Arrays",
    "Dataset",
    "Draw",
    "File",
    "Prepared",
    "Protocol",
    "Ready",
    "Rows",
    "Task",
    "TaskData",
    "TaskName",
    "chosen",
    "fifth",
    "decode_image",
    "fetch",
    "from_arrays",
    "load_task",
    "parse",
    "read_features",
    "read_image",
    "task_name",
]
