"""Data on disk and from the network: raw files, downloads, the decoded cache, cached features. Nothing imports JAX."""

from tlx.store.downloadable import Prepared, Ready
from tlx.store.features import read_features
from tlx.store.file import File
from tlx.store.raw import fetch

__all__ = ["File", "Prepared", "Ready", "fetch", "read_features"]
