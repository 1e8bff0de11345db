"""Published tables: their figures as data, run again and laid beside ours. Importing this imports no JAX."""

from tlx.reproduce.api import report, reproduce
from tlx.reproduce.literature import Figure, Literature, read, unknown
from tlx.reproduce.table import PaperTable, ProgramTable
from tlx.reproduce.verdicts import program_cell

__all__ = [
    "Figure", "Literature", "PaperTable", "ProgramTable", "program_cell", "read", "report", "reproduce", "unknown"
]  # fmt: skip
