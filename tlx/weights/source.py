"""Where weights come from: a file, a folder, or the Hugging Face hub, named by one text."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from tlx.errors import WeightsError
from tlx.store.file import sha256
from tlx.weights import files, hub

SEED = "seed-{}.safetensors"  # the files of a run's folder


def locate(source: str | Path) -> Path:
    """The file or folder of a source on this machine; a file of the hub is downloaded first.

    Raises:
        WeightsError: there is none.
        DataAbsent: the hub does not give it.
    """
    if str(source).startswith(hub.PREFIX):
        return hub.fetch(str(source))
    path = Path(source).expanduser()
    if not path.exists():
        raise WeightsError(
            f"Weights '{source}': there is no such file or folder; expected {', '.join(files.READERS)} file, a folder "
            f"that a run saved, an orbax checkpoint, or {hub.FORM}"
        )
    if not path.is_dir() and not path.is_file():  # a FIFO would wait for a writer, a device never end
        raise WeightsError(f"Weights '{source}': {path} is no regular file; expected a file or a folder")
    return path


def digest(source: str | Path) -> str:
    """The SHA-256 of a source's content: of its file, or of the names and hashes of a folder's files."""
    path = locate(source)
    try:
        if path.is_file():
            return sha256(path)
        inside = sorted(item for item in path.rglob("*") if item.is_file())
        lines = [f"{item.relative_to(path).as_posix()} {sha256(item)}\n" for item in inside]
    except OSError as error:
        raise WeightsError(f"Weights '{source}' cannot be read: {error}") from error
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def read(source: str | Path, seed: int = 0) -> dict[str, np.ndarray]:
    """The tensors of a source by name, as they lie there.

    A source is a `.safetensors` file; `hf:OWNER/NAME[@REVISION][/FILE][#SHA256]`; a `.pth` file (with PyTorch), of
    which nothing is executed; an orbax checkpoint folder; or a folder that a run of tlx saved, of which the file of
    `seed` is read, or the only one.

    Raises:
        WeightsError: there is no such file, it is damaged, or holds more than tensors; the message names it.
        SettingError: PyTorch is needed and not installed.
        DataAbsent: the hub does not give it.
    """
    path = locate(source)
    if path.is_dir():
        return _folder(path, seed)
    if path.suffix not in files.READERS:
        raise WeightsError(f"{path} is of no format that is read; expected {', '.join(files.READERS)}, or a folder")
    return files.READERS[path.suffix](path)


def _folder(path: Path, seed: int) -> dict[str, np.ndarray]:
    saved = sorted(path.glob(SEED.format("*")))
    if not saved:
        return files.orbax(path)
    wanted = saved[0] if len(saved) == 1 else path / SEED.format(seed)
    if not wanted.exists():
        raise WeightsError(f"{path} has no {wanted.name}; it has: {', '.join(item.name for item in saved)}")
    return files.safetensors(wanted)


def read_for(source: str | Path, seeds: Sequence[int]) -> list[Mapping[str, np.ndarray]]:
    """The tensors that each seed starts from: those of its own number, of a folder that a run of several saved."""
    path = locate(source)
    several = path.is_dir() and len(list(path.glob(SEED.format("*")))) > 1
    return [read(path, seed) for seed in seeds] if several else [read(path)] * len(seeds)
