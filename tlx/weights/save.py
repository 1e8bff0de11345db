"""Weights of a run, written where a later run can start from them, and where they can be applied."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from tlx.errors import ResultError
from tlx.store.file import write_whole
from tlx.weights.source import SEED

ABOUT = "tlx"  # one entry: the header of a file with several would not be the same twice


def save(folder: str | Path, seed: int, tensors: Mapping[str, np.ndarray], about: str) -> Path:
    """Writes one seed's tensors to `seed-N.safetensors` of a folder; the text `about` goes with them.

    Raises:
        ResultError: the folder cannot be written.
    """
    from safetensors.numpy import save as encode

    path = Path(folder).expanduser() / SEED.format(seed)
    plain = {name: np.asarray(tensor, order="C") for name, tensor in tensors.items()}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, encode(plain, {ABOUT: about}))
    except OSError as error:
        raise ResultError(f"The weights cannot be saved in {path.parent}: {error}") from error
    return path
