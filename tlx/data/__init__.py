"""Datasets, protocols and tasks on the host, in NumPy: what a task's arrays are. Nothing here imports JAX.

Names are imported when first used: protocols and tasks are declared and listed without NumPy.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tlx.data.choose import choose_rows as choose_rows
    from tlx.data.choose import fifth as fifth
    from tlx.data.decode import IMAGE_SUFFIXES as IMAGE_SUFFIXES
    from tlx.data.decode import decode_image as decode_image
    from tlx.data.decode import image_bytes as image_bytes
    from tlx.data.decode import read_image as read_image
    from tlx.data.in_memory import from_arrays as from_arrays
    from tlx.data.inputs import Image as Image
    from tlx.data.inputs import Input as Input
    from tlx.data.inputs import Sequence as Sequence
    from tlx.data.inputs import Tokens as Tokens
    from tlx.data.inputs import Vector as Vector
    from tlx.data.label_space import LabelSpace as LabelSpace
    from tlx.data.label_space import Space as Space
    from tlx.data.load import load_task as load_task
    from tlx.data.prior import Dirichlet as Dirichlet
    from tlx.data.prior import LongTail as LongTail
    from tlx.data.prior import Pareto as Pareto
    from tlx.data.prior import Tweaked as Tweaked
    from tlx.data.protocol import Draw as Draw
    from tlx.data.protocol import Protocol as Protocol
    from tlx.data.shares import class_shares as class_shares
    from tlx.data.shift import Task as Task
    from tlx.data.task import NO_LABEL as NO_LABEL
    from tlx.data.task import Arrays as Arrays
    from tlx.data.task import Dataset as Dataset
    from tlx.data.task import Rows as Rows
    from tlx.data.task import TaskData as TaskData
    from tlx.data.task import Unlabelled as Unlabelled
    from tlx.data.task_names import TaskName as TaskName
    from tlx.data.task_names import parse as parse
    from tlx.data.task_names import task_name as task_name

_HOMES = {
    "tlx.data.choose": "choose_rows fifth",
    "tlx.data.decode": "IMAGE_SUFFIXES decode_image image_bytes read_image",
    "tlx.data.in_memory": "from_arrays",
    "tlx.data.inputs": "Image Input Sequence Tokens Vector",
    "tlx.data.label_space": "LabelSpace Space",
    "tlx.data.load": "load_task",
    "tlx.data.prior": "Dirichlet LongTail Pareto Tweaked",
    "tlx.data.protocol": "Draw Protocol",
    "tlx.data.shares": "class_shares",
    "tlx.data.shift": "Task",
    "tlx.data.task": "NO_LABEL Arrays Dataset Rows TaskData Unlabelled",
    "tlx.data.task_names": "TaskName parse task_name",
}
_HOME = {name: module for module, names in _HOMES.items() for name in names.split()}


if not TYPE_CHECKING:  # a type checker would take any name for one that is here
    __all__ = sorted(_HOME)

    def __getattr__(name: str) -> Any:
        if name not in _HOME:
            raise AttributeError(f"module 'tlx.data' has no attribute '{name}'")
        return globals().setdefault(name, getattr(import_module(_HOME[name]), name))


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME})
