"""Weights of a run, written where a later run can start from them."""

import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from tlx.errors import ResultError
from tlx.weights.source import SEED


def save(folder: str | Path, seed: int, tensors: Mapping[str, np.ndarray], about: Mapping[str, str]) -> Path:
    """Writes one seed's tensors, by our paths, to `seed-N.safetensors` of a folder; `about` goes with them.

    Raises:
        ResultError: the folder cannot be written.
    """
    from safetensors.numpy import save as encode

    path = Path(folder).expanduser() / SEED.format(seed)
    part = path.with_name(f"{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(encode({name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()}, dict(about)))
        os.replace(part, path)
    except OSError as error:
        raise ResultError(f"The weights cannot be saved in {path.parent}: {error}") from error
    return path
