"""Published tables: their figures as data, run again and laid beside ours. Importing this imports no JAX."""

from tlx.reproduce.api import report, reproduce
from tlx.reproduce.literature import Figure, Literature, read, unknown
from tlx.reproduce.table import PaperTable

__all__ = ["Figure", "Literature", "PaperTable", "read", "report", "reproduce", "unknown"]
