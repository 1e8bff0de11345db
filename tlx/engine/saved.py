"""The carry of a run on disk after every round, so that a run that was killed goes on from there with the same result.

A folder holds `carry.npz` and a file for each evaluation. Each is written whole or not at all; an evaluation is there
before the carry that counts it.
"""

import dataclasses
import json
import logging
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from tlx.data.file import read_npz, regular_bytes
from tlx.engine.processes import from_first
from tlx.errors import ResultError

log = logging.getLogger("tlx")
CARRY = "carry.npz"
UNREADABLE = b"unreadable"  # what is taken to be in a file that is empty, or that the system does not give
Flat = dict[str, np.ndarray]


class Position(NamedTuple):
    """How far a run is: the number of its phase, the rounds done of it, and the steps done in all."""

    phase: int
    rounds: int
    step: int


class Loaded(NamedTuple):
    """What a folder holds: the position, the leaves of the carry, whether each run has stayed finite, evaluations."""

    position: Position
    leaves: list[Any]
    finite: np.ndarray
    evaluations: list[Flat]


@dataclasses.dataclass(frozen=True)
class SavedCarry:
    """The folder of one run's carry, and what the run is: a carry of another identity is not used."""

    folder: Path
    identity: Mapping[str, str]

    def part(self, number: int) -> "SavedCarry":
        """That of one of several groups of runs."""
        return SavedCarry(self.folder / str(number), self.identity)

    def save(
        self, position: Position, carry: Any, finite: np.ndarray, number: int, evaluation: Mapping[str, np.ndarray]
    ) -> None:
        """Writes evaluation `number`, and then the carry that comes after it.

        Raises:
            ResultError: they cannot be written, as on a full disk; what was saved before stays.
        """
        leaves = {f"leaf-{place}": plain(leaf) for place, leaf in enumerate(jax.tree.leaves(carry))}
        facts = {"identity": dict(self.identity), "position": position, "evaluations": number + 1}
        text = np.frombuffer(json.dumps(facts).encode(), np.uint8)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            _write(self.folder / f"evaluation-{number:05d}.npz", evaluation)
            _write(self.folder / CARRY, {**leaves, "facts": text, "finite": finite})
        except OSError as error:
            raise ResultError(
                f"The run cannot be saved in {self.folder}: {error.strerror or error}. What was saved before stays: "
                "once there is room, the same command goes on from there."
            ) from error

    def load(self) -> Loaded | None:
        """What was saved, or None: nothing is there, it is damaged, or it is of another run; the log says which."""
        path = self.folder / CARRY
        if not (content := _content(path)):
            return None
        try:
            arrays = read_npz(content)
            facts = json.loads(arrays.pop("facts").tobytes())
            finite = arrays.pop("finite")
            leaves = [arrays[f"leaf-{place}"] for place in range(len(arrays))]
            count = int(facts["evaluations"])
            position = Position(*map(int, facts["position"]))
            theirs = facts["identity"]
            evaluations = [read_npz(_content(self.folder / f"evaluation-{number:05d}.npz")) for number in range(count)]
        except Exception as error:  # a damaged archive may raise anything
            log.warning("%s: the saved carry is damaged, so the run starts anew (%s)", path, error)
            return None
        if theirs != dict(self.identity):
            keys = sorted({key for key in {**theirs, **self.identity} if theirs.get(key) != self.identity.get(key)})
            log.warning("%s: the saved carry is of another %s, so the run starts anew", path, ", ".join(keys))
            return None
        return Loaded(position, leaves, finite, evaluations)

    def clear(self) -> None:
        """Deletes the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)


def restore(saved: Sequence[Any], like: Any) -> Any:
    """The carry of saved leaves, in the structure, shapes and types of `like`; None where they do not fit."""
    leaves, treedef = jax.tree.flatten(like)
    if len(leaves) != len(saved):
        return None
    out = []
    for leaf, array in zip(leaves, saved, strict=True):
        if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
            out.append(jax.random.wrap_key_data(jnp.asarray(array)))
        elif leaf.dtype == jnp.bfloat16 and array.dtype == np.uint16:  # as `plain` wrote it
            out.append(jnp.asarray(array.view(jnp.bfloat16)))
        else:
            out.append(jnp.asarray(array))
        if out[-1].dtype != leaf.dtype or out[-1].shape != leaf.shape:
            return None
    return treedef.unflatten(out)


def plain(leaf: Any) -> np.ndarray:
    """A leaf as an array of a type that files hold; `restore` takes it back."""
    keys = jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)
    array = np.asarray(jax.random.key_data(leaf) if keys else leaf)
    return array.view(np.uint16) if array.dtype == jnp.bfloat16 else array


def _write(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    part = path.with_name(f".{path.name}.part")
    try:
        with part.open("wb") as file:
            np.savez(file, **arrays)  # pyright: ignore[reportArgumentType]
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except OSError:
        part.unlink(missing_ok=True)
        raise


def _content(path: Path) -> bytes:
    """A file, b"" where there is none; of several processes, what the first one reads."""

    def read() -> bytes:
        try:
            return regular_bytes(path) or UNREADABLE
        except FileNotFoundError:
            return b""
        except (OSError, ValueError):  # all processes have to meet it
            return UNREADABLE

    return from_first(read)
