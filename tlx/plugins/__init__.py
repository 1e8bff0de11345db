"""What plugins bring: through entry points or files, each in isolation, and imported only when used."""

from tlx.plugins.entry import KINDS, Entry, Problem
from tlx.plugins.registry import Registry
from tlx.plugins.target import FACTS

__all__ = ["FACTS", "KINDS", "Entry", "Problem", "Registry"]
