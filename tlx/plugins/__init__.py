"""What plugins bring: found through entry points or files, each in isolation, and imported only when used."""

from tlx.plugins.entry import KINDS, Entry, Problem
from tlx.plugins.registry import Registry

__all__ = ["KINDS", "Entry", "Problem", "Registry"]
