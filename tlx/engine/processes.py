"""One run over several processes, each with devices of its own: they join, compare notes, share arrays, end together.

Every process runs the same programs over one mesh of all devices (`jax.distributed`). Process 0 leads: it alone writes,
and reads what is saved, for all.
"""

import atexit
import contextlib
import itertools
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import jax
import numpy as np
from jax._src.distributed import global_state  # has the key-value store, which nothing public reaches
from jax.experimental import multihost_utils
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from tlx.errors import SettingError

JOIN = 300  # seconds that processes wait for each other to start
HEARTBEAT = 30  # seconds without a sign of life after which a process is lost
LEAVE = 5  # seconds that a process that failed waits for others that did
WORK = 24 * 3600  # seconds that one process may work while others wait; a lost one is noticed by its heartbeat
VARIABLES = {"coordinator": "JAX_COORDINATOR_ADDRESS", "processes": "JAX_NUM_PROCESSES", "process": "JAX_PROCESS_ID"}
READER = "import sys; said = sys.stdin.read().split('\\0'); said[-2:-1] and said[-2] and sys.exit(said[-2])"

_meetings = itertools.count()  # the same in every process, which all meet in the same order


@contextlib.contextmanager
def joined(coordinator: str | None, processes: int | None, process: int | None, again: str) -> Iterator[None]:
    """Joins this process to the others; at the end of Python they leave together.

    What is not given comes from the environment (`VARIABLES`), else from Slurm, Open MPI, Kubernetes or TPU. JAX ends a
    process at once where another one is lost: then one more process says so, and that `again` goes on.

    Raises:
        SettingError: no such place, nobody there, or other processes were started otherwise.
    """
    address, count, number = _place(coordinator, processes, process)
    explicit = None not in (address, count, number)
    words = _LastWords()
    words.are(f"Error: this process did not meet the others{f' at {address}' if address else ''} within {JOIN} s. "
              "Expected all to be started, by one command, each with its own --process.")  # fmt: skip
    try:
        if explicit and number:
            _reach(str(address))
        how: dict[str, Any] = {"cluster_detection_method": "deactivate"} if explicit else {}
        jax.distributed.initialize(
            address, count, number, initialization_timeout=JOIN, heartbeat_timeout_seconds=HEARTBEAT, **how
        )
    except (ValueError, RuntimeError) as error:
        words.are("")
        raise SettingError(f"this process cannot join others: {_reason(error)}") from error
    except SettingError:
        words.are("")
        raise
    ends = {"within": LEAVE}
    atexit.register(_leave, words, ends)  # before JAX's own, which would end the process without a word
    own = f"process {global_state.process_id} of {global_state.num_processes}"
    words.are(f"Error: {own} was ended, as all are where one is lost; the others' logs say why. "
              f"What was saved stays. To go on from the last round, start in every process: {again}")  # fmt: skip
    agree({"--processes": str(global_state.num_processes)})
    multihost_utils.sync_global_devices("tlx")
    yield
    ends["within"] = WORK


def _place(*given: Any) -> tuple[str | None, int | None, int | None]:
    """Address, count and number, from what is given and the environment; None for what is to be found."""
    named = zip(VARIABLES, given, strict=True)
    found = {name: os.environ.get(VARIABLES[name]) if value is None else value for name, value in named}
    address, *numbers = found.values()
    try:
        count, number = (None if value is None else int(value) for value in numbers)
    except ValueError as error:
        raise SettingError(f"{VARIABLES['processes']} and {VARIABLES['process']} are numbers: {error}") from None
    if number is not None and not 0 <= number < (count or number + 1):
        raise SettingError(f"--process {number} of --processes {count}; expected 0 to {count - 1 if count else '...'}")
    if address is not None and not address.rpartition(":")[2].isdecimal():
        raise SettingError(f"--coordinator '{address}'; expected HOST:PORT of process 0, as node1:1234")
    return address, count, number


def _reach(address: str) -> None:
    """Waits until process 0 listens. Raises SettingError where it does not in time."""
    host, _, port = address.rpartition(":")
    until = time.monotonic() + JOIN
    while True:
        try:
            socket.create_connection((host.strip("[]"), int(port)), timeout=min(JOIN, 10)).close()
            return
        except OSError as error:
            if time.monotonic() > until:
                raise SettingError(
                    f"no coordinator at {address} within {JOIN} s ({error}); expected process 0 of the same command "
                    "to run there, and its port to be open"
                ) from error
            time.sleep(0.2)


def _reason(error: Exception) -> str:
    text = str(error).splitlines()[0]
    if "should be defined" in text or "must be defined" in text:
        return (
            "no Slurm, Open MPI, Kubernetes or TPU says where they are; expected --coordinator HOST:PORT "
            f"--processes N --process I, or {', '.join(VARIABLES.values())}"
        )
    return text


class _LastWords:
    """What a process beside this one prints when this one ends, unless that is nothing."""

    def __init__(self):
        self.reader = subprocess.Popen(
            [sys.executable, "-IS", "-X", "utf8", "-c", READER], stdin=subprocess.PIPE, start_new_session=True
        )

    def are(self, text: str) -> None:
        """Replaces them; "" means that this process speaks for itself, and is for ever."""
        assert self.reader.stdin is not None
        self.reader.stdin.write(f"{text}\0".encode())
        self.reader.stdin.flush()
        if not text:
            self.reader.stdin.close()
            self.reader.wait()


def _leave(words: _LastWords, ends: Mapping[str, int]) -> None:
    """Waits for the others to come to their end; one that has failed does so for a moment, and then ends at once."""
    try:
        _client().wait_at_barrier("tlx/end", ends["within"] * 1000)
    except jax.errors.JaxRuntimeError:
        sys.stdout.flush()
        os._exit(1)
    words.are("")


def _client() -> Any:
    return global_state.client


def several() -> bool:
    """Whether the run has more than this process."""
    return jax.distributed.is_initialized() and jax.process_count() > 1


def leads() -> bool:
    """Whether this process is the one that writes."""
    return not several() or jax.process_index() == 0


def meet() -> None:
    """Returns when every process has come here: the first collective operation of new ones waits for 30 s only."""
    if several():
        _client().wait_at_barrier(f"tlx/{next(_meetings)}", WORK * 1000)


def tell(text: str) -> list[str]:
    """What every process tells the others, in their order; returns when all have."""
    if not several():
        return [text]
    here = f"tlx/told/{next(_meetings)}/"
    _client().key_value_set(f"{here}{jax.process_index():09d}", text)
    meet()
    return [value for _, value in sorted(_client().key_value_dir_get(here))]


def agree(facts: Mapping[str, str]) -> None:
    """Raises SettingError in every process where the facts of one are others than those of process 0, naming them."""
    first, *others = (json.loads(text) for text in tell(json.dumps(dict(facts))))
    for number, theirs in enumerate(others, 1):
        if names := [name for name in {**first, **theirs} if first.get(name) != theirs.get(name)]:
            differ = "; ".join(f"{name}: {theirs.get(name)}, there {first.get(name)}" for name in names)
            raise SettingError(
                f"process {number} of the run is not as process 0 ({differ:.600}). Expected one command, with the same "
                "versions, plugins and data on every host."
            )


def from_first(read: Callable[[], bytes]) -> bytes:
    """What `read` gives in process 0; the others do not call it."""
    if not several():
        return read()
    content = np.frombuffer(read() if leads() else b"", np.uint8)
    size = int(multihost_utils.broadcast_one_to_all(np.int64(content.size)))
    return multihost_utils.broadcast_one_to_all(content if leads() else np.zeros(size, np.uint8)).tobytes()


def spread(tree: Any, sharding: NamedSharding, kept: str = "") -> Any:
    """Arrays that every process has whole, or that lie over the devices otherwise, by a sharding of all devices.

    Those that already lie along the axis `kept` of the mesh stay so.
    """

    def one(leaf: Any) -> jax.Array:
        if isinstance(now := getattr(leaf, "sharding", None), NamedSharding) and kept in now.spec:
            return leaf
        if not several() or not leaf.is_fully_addressable:
            return jax.device_put(leaf, sharding)
        if jax.numpy.issubdtype(leaf.dtype, jax.dtypes.prng_key):
            return jax.random.wrap_key_data(one(jax.random.key_data(leaf)))
        host = np.asarray(leaf)
        return jax.make_array_from_callback(host.shape, sharding, lambda index: host[index])

    return jax.tree.map(one, tree)


def gathered(tree: Any) -> Any:
    """Arrays that lie over the devices of all processes, as every process has them whole."""
    if not several() or not jax.tree.leaves(tree):
        return tree
    mesh = jax.tree.leaves(tree)[0].sharding.mesh
    return jax.jit(_same, out_shardings=NamedSharding(mesh, PartitionSpec()))(tree)


def _same(tree: Any) -> Any:
    return tree


class Part:
    """The part of an array [*shape, ...] that the devices of this process need, by a mesh and its axes over `shape`.

    An axis that its devices do not divide is whole everywhere.
    """

    def __init__(self, mesh: Mesh, axes: Sequence[str | None], shape: Sequence[int]):
        fits = (None if name and size % mesh.shape[name] else name for name, size in zip(axes, shape, strict=True))
        self.shape, self.sharding = tuple(shape), NamedSharding(mesh, PartitionSpec(*fits))
        indices = self.sharding.addressable_devices_indices_map(self.shape).values()
        ranges = [[cuts[axis].indices(size) for cuts in indices if cuts] for axis, size in enumerate(self.shape)]
        self.slices = tuple(slice(min(r[0] for r in each), max(r[1] for r in each)) for each in ranges)

    def whole(self, own: np.ndarray) -> jax.Array:
        """The array over all devices, from what `slices` cut of it here."""

        def shard(index: Any) -> np.ndarray:
            ranges = [axis.indices(size) for axis, size in zip(index, self.shape, strict=False)]
            starts = [cut.start for cut in self.slices]
            return own[tuple(slice(r[0] - start, r[1] - start) for r, start in zip(ranges, starts, strict=True))]

        return jax.make_array_from_callback((*self.shape, *own.shape[len(self.shape) :]), self.sharding, shard)
