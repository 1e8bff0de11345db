"""Tensors out of files: safetensors, PyTorch's state dicts, orbax checkpoints. Nothing in a file is ever executed."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tlx.data.file import regular_bytes
from tlx.errors import SettingError, WeightsError

NESTED = ("state_dict", "model", "model_state_dict")  # where training programs keep the tensors in what they save


def safetensors(path: Path) -> dict[str, np.ndarray]:
    """The tensors of a .safetensors file."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        return load(regular_bytes(path))
    except (SafetensorError, OSError, KeyError, ValueError, TypeError) as error:
        raise WeightsError(f"{path} cannot be read as safetensors; it may be cut short: {error}") from error


def about(path: Path, key: str) -> str | None:
    """What a .safetensors file says of itself under a key; only its header is read."""
    from safetensors import SafetensorError, safe_open

    try:
        if not path.is_file():  # a FIFO would wait for a writer
            raise OSError("it is no regular file")
        with safe_open(path, "numpy") as file:
            return (file.metadata() or {}).get(key)
    except (SafetensorError, OSError, ValueError) as error:
        raise WeightsError(f"{path} cannot be read as safetensors; it may be cut short: {error}") from error


def pytorch(path: Path) -> dict[str, np.ndarray]:
    """The tensors of a state dict that PyTorch has saved; what would run code on loading is refused."""
    try:
        import torch  # pyright: ignore[reportMissingImports]  # an extra
    except ImportError as error:
        raise SettingError(
            f"{path} is PyTorch's format, which needs PyTorch: pip install 'tlx[torch]'; or save it as .safetensors"
        ) from error
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # damage shows itself in many ways
        reason = str(error).strip().split("\n")[0]
        raise WeightsError(f"{path} cannot be read, or holds more than tensors: {reason}") from error
    for key in NESTED:
        if isinstance(found, Mapping) and isinstance(found.get(key), Mapping):
            found = found[key]
    if not isinstance(found, Mapping):
        raise WeightsError(f"{path} holds a {type(found).__name__}; expected a dict of tensors")
    tensors = {str(name).removeprefix("module."): value for name, value in found.items() if torch.is_tensor(value)}
    return {name: (value.float() if value.is_floating_point() else value).numpy() for name, value in tensors.items()}


def orbax(path: Path) -> dict[str, np.ndarray]:
    """The arrays of an orbax checkpoint by their path in its tree, as "stages/0/conv/kernel"."""
    import jax
    import orbax.checkpoint as ocp

    try:
        with ocp.PyTreeCheckpointer() as reader:
            about = reader.metadata(path.absolute()).item_metadata.tree
            as_numpy = jax.tree.map(lambda _: ocp.RestoreArgs(restore_type=np.ndarray), about)
            tree = reader.restore(path.absolute(), restore_args=as_numpy)
    except Exception as error:  # damage shows itself in many ways
        raise WeightsError(f"{path} cannot be read as an orbax checkpoint: {error}") from error
    leaves = jax.tree_util.tree_flatten_with_path(tree)[0]
    return {"/".join(_part(key) for key in at): np.asarray(leaf) for at, leaf in leaves if hasattr(leaf, "dtype")}


def _part(key: Any) -> str:
    return str(next(getattr(key, name) for name in ("key", "idx", "name") if hasattr(key, name)))


READERS: dict[str, Callable[[Path], dict[str, np.ndarray]]] = {
    ".safetensors": safetensors,
    ".pth": pytorch,
    ".pt": pytorch,
    ".bin": pytorch,
}
