"""Data on the host, in NumPy: datasets, tasks, and the arrays that a task shows. Nothing here imports JAX."""

from tlx.data.load import load_task
from tlx.data.protocol import Draw, Protocol
from tlx.data.split import chosen
from tlx.data.task import Arrays, Dataset, Rows, Task, TaskData, task_name

__all__ = ["Arrays", "Dataset", "Draw", "Protocol", "Rows", "Task", "TaskData", "chosen", "load_task", "task_name"]
