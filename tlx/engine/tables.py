"""A task's arrays on the device, and the batches that are taken from them there.

Arrays are padded to a common multiple of rows and carry their true length as a traced number, so tasks of about equal
size share compiled programs. Where x is streamed, a table holds labels only and a batch is given its x.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from tlx.contract import Batch, Inputs, Labelled, NotShown, Phase, Unlabelled
from tlx.data import TaskData
from tlx.errors import ContractError, nearest

FIELDS = ("source", "target", "labelled")
OVER = (*FIELDS, "source_val")  # what a sweep goes over
DRAWS = ("epoch", "domain", "class", "asked")
MULTIPLE = 4096


class Groups(NamedTuple):
    """The rows of a table group by group: `rows` [padded] sorted by group; where each begins, and how many it has."""

    rows: jax.Array
    starts: jax.Array
    counts: jax.Array


class Table(NamedTuple):
    """`n` rows of one field: x as the dataset stores it, y and domain, each [padded, ...]; zeros where unlabelled."""

    x: Inputs
    y: jax.Array
    domain: jax.Array
    n: jax.Array
    groups: dict[str, Groups]  # by "domain" and "class", where a phase draws so


class DeviceData(NamedTuple):
    """What a run reads on the device: the tables that some phase sees, and what x is normalised by, trees as x is."""

    tables: dict[str, Table]
    mean: Any
    std: Any


def rows_in(data: TaskData) -> dict[str, int]:
    """The number of rows of each field, of the source validation and of the test rows."""
    fields = {name: getattr(data, name) for name in (*OVER, "test")}
    return {name: len(rows.domain) for name, rows in fields.items()}


def device_data(data: TaskData, phases: Iterable[Phase], resident: bool = True) -> DeviceData:
    """The task on the device, with the tables that some phase sees. Labels of the test rows are never put there."""
    phases = list(phases)
    sees = sees_of(phases)
    tables = {}
    for name in (*OVER, "test"):
        if name in FIELDS and name not in sees:
            continue
        rows: Any = getattr(data, name)
        y = None if name in ("target", "test") else rows.y
        kinds = {phase.draw[name] for phase in phases if isinstance(phase.draw, Mapping) and name in phase.draw}
        by = {"domain": rows.domain, "class": y}
        groups = {kind: _groups(by[kind]) for kind in sorted(kinds - {"epoch", "asked"})}
        tables[name] = _table(rows.x, y, rows.domain, groups, resident)
    return DeviceData(tables, *jax.tree.map(jnp.float32, (data.mean, data.std)))


def _table(x: Any, y: Any, domain: np.ndarray, groups: dict[str, Groups], resident: bool) -> Table:
    n = len(domain)
    spare = -n % MULTIPLE

    def padded(array: Any) -> jax.Array:
        return jnp.asarray(np.pad(array, ((0, spare), *((0, 0),) * (array.ndim - 1))))

    def on_device(leaf: Any) -> jax.Array:
        return padded(np.asarray(leaf)) if resident else jnp.zeros((0, *leaf.shape[1:]), leaf.dtype)

    labels = np.zeros(n, np.int32) if y is None else y
    wide = {kind: group._replace(rows=padded(np.asarray(group.rows))) for kind, group in groups.items()}
    return Table(jax.tree.map(on_device, x), padded(labels), padded(domain), jnp.int32(n), wide)


def _groups(by: np.ndarray) -> Groups:
    _, starts, counts = np.unique(np.sort(by), return_index=True, return_counts=True)
    order = np.argsort(by, kind="stable").astype(np.int32)
    return Groups(jnp.asarray(order), jnp.asarray(starts, jnp.int32), jnp.asarray(counts, jnp.int32))


def normalise(data: DeviceData, x: Inputs) -> Inputs:
    """x = (uint8 / 255 - mean) / std of images, (x - mean) / std of other floats; whole numbers as they are."""

    def one(leaf: jax.Array, mean: jax.Array, std: jax.Array) -> jax.Array:
        if leaf.dtype == jnp.uint8:
            leaf = leaf.astype(jnp.float32) / 255
        if not jnp.issubdtype(leaf.dtype, jnp.floating):
            return leaf
        mean, std = (jnp.expand_dims(scale, tuple(range(leaf.ndim - scale.ndim))) for scale in (mean, std))
        return (leaf - mean) / std

    return jax.tree.map(one, x, data.mean, data.std)


def take(data: DeviceData, name: str, index: jax.Array, x: Inputs = None) -> Labelled | Unlabelled:
    """The rows `index` of a field, of which x (as the dataset stores it) is given where it is streamed."""
    table = data.tables[name]
    raw = jax.tree.map(lambda leaf: leaf[index], table.x) if x is None else x
    seen = normalise(data, raw)
    if name == "target":
        return Unlabelled(seen, table.domain[index], index)
    return Labelled(seen, table.y[index], table.domain[index], index)


def batch_of(shown: Mapping[str, Labelled | Unlabelled], where: str) -> Batch:
    """A `Batch` of the fields that are shown."""
    hidden = {field: NotShown(field, tuple(shown), where) for field in FIELDS if field not in shown}
    return Batch(**{**shown, **hidden})  # pyright: ignore[reportArgumentType]


def sees_of(phases: Iterable[Phase]) -> frozenset[str]:
    """All that any phase sees: what a strategy needs of a task."""
    return frozenset().union(*(phase.sees for phase in phases))


def is_asking(phase: Phase) -> bool:
    """Whether a phase is shown no label of the target but those that it asks for."""
    return isinstance(phase.draw, Mapping) and "asked" in phase.draw.values()


def check_phase(phase: Phase, data: TaskData, where: str) -> None:
    """Raises ContractError where a phase sees, sweeps over, multiplies or draws what is none, or the task lacks."""
    sizes = rows_in(data)
    for field in sorted(phase.sees):
        _known(field, FIELDS, f"{where} sees '{field}'")
        if not sizes[field]:
            offered = ", ".join(name for name in FIELDS if sizes[name])
            why = "" if data.scorable else ", since its target has no labels"
            raise ContractError(
                f"{where} sees '{field}', which task '{data.task.name}' does not offer{why}; it offers: {offered}"
            )
    for name, sweep in phase.sweeps.items():
        _known(sweep.over, OVER, f"{where}, sweep '{name}' goes over '{sweep.over}'")
        if sweep.over.removesuffix("_val") not in phase.sees:
            seen = ", ".join(sorted(phase.sees))
            raise ContractError(f"{where}, sweep '{name}' goes over '{sweep.over}', of what it sees: {seen}")
    named = {"batch": phase.batch, "draw": phase.draw if isinstance(phase.draw, Mapping) else {}}
    for what, fields in named.items():
        for field in fields:
            _known(field, tuple(sorted(phase.sees)), f"{where}: `{what}` names '{field}'")
    for field, kind in named["draw"].items():
        _known(str(kind), DRAWS, f"{where} draws '{field}' by '{kind}'")
        if kind == "class" and (field == "target" or data.target_kind != "classes"):
            raise ContractError(f"{where} draws '{field}' by class, and it has no classes; expected source or labelled")
    asked = [field for field, kind in named["draw"].items() if kind == "asked"]
    if asked and (asked != ["labelled"] or any(sweep.over == "labelled" for sweep in phase.sweeps.values())):
        raise ContractError(f"{where} asks for labels; expected draw 'asked' of 'labelled' alone, and no sweep over it")


def _known(name: str, known: tuple[str, ...], what: str) -> None:
    if name not in known:
        guess = nearest(name, known)
        raise ContractError(f"{what}; expected {', '.join(known)}{f'; {guess[0]}?' if guess else ''}")
