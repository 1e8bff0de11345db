"""The pure programs of a run: begin a phase, sweep, refresh, draw rows, take steps, evaluate, pass over a stream.

Each takes what is static (`Setup`), what differs from point to point of a grid (`Settings`), what all runs share, and
what is one run's own. Rows come as `Chunk`s: places in a table, or x itself where it is streamed.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from jaxtyping import Array, Float

from tlx.contract import Context, FieldFacts, Inputs, Key, Labelled, Metrics, Phase, State, Strategy, Tree, Unlabelled
from tlx.engine import sampler
from tlx.engine.groups import Flat
from tlx.engine.model import ModelSpec, PureModel, make_model
from tlx.engine.optimizer import descent
from tlx.engine.pretrained import pretrained
from tlx.engine.recipe import Recipe
from tlx.engine.step import Carry, Program, Where, same_tree, start, step
from tlx.engine.tables import FIELDS, DeviceData, Table, batch_of, normalise, take
from tlx.errors import ContractError

ASKED = "asked"  # the draw, and the entry of `State.extra`
Stacked = dict[str, Float[Array, "steps"]]  # the metrics of every step


class Setup(NamedTuple):
    """All that is fixed in a program besides array shapes and the strategy's static fields; hashable."""

    spec: ModelSpec
    recipe: Recipe  # its static part
    phase: int
    mesh: Mesh | None = None  # of several devices: its axis "batch" divides the rows of a slice


class Settings(NamedTuple):
    """What differs between the points of a grid: the strategy's leaves and the floats of the recipe."""

    strategy: Strategy
    traced: Mapping[str, Any]


class Clock(NamedTuple):
    """Where a phase is: `done` of its `total` steps."""

    done: jax.Array
    total: jax.Array

    @property
    def progress(self) -> jax.Array:
        """From 0 to 1."""
        return self.done / jnp.maximum(self.total, 1)


class Keys(NamedTuple):
    """The keys of a run in one phase, each for one use."""

    begin: Key
    draw: Key
    steps: Key
    refresh: Key


class Chunk(NamedTuple):
    """Slices of rows: `rows` [slices, rows of a slice], or such by field, and their x where it is streamed."""

    rows: Any
    x: Any = None


class Observed(NamedTuple):
    """What a strategy makes of some rows: features [B, width] and logits [B, outputs]."""

    features: Any
    logits: Any


def run_keys(key: Key, phases: int) -> tuple[Key, list[Keys]]:
    """The key that the first state is drawn from, and those of every phase."""
    init, *others = jax.random.split(key, phases + 1)
    return init, [Keys(*jax.random.split(other, len(Keys._fields))) for other in others]


def parts(setup: Setup, settings: Settings) -> tuple[PureModel, Phase, Program]:
    """The model, the phase, and what a step of it needs."""
    model = make_model(setup.spec)
    phase = settings.strategy.phases(model)[setup.phase]
    where = Where(type(settings.strategy).__name__, phase.name)
    how = descent(setup.recipe, settings.traced, phase)
    return model, phase, Program(where, settings.strategy.groups, phase, how)


def _over_devices(setup: Setup, chunk: Chunk) -> Chunk:
    """The slices of a chunk, the rows of each divided between devices where there are several."""
    if setup.mesh is None:
        return chunk
    return jax.lax.with_sharding_constraint(chunk, NamedSharding(setup.mesh, PartitionSpec(None, "batch")))


def batch_sizes(recipe: Recipe, phase: Phase) -> dict[str, int]:
    """The rows that a step takes of every field that the phase sees."""
    batch = int(recipe.of_phase(phase.name, phase.recipe).get("batch", recipe.batch))
    return {field: max(1, round(batch * phase.batch.get(field, 1))) for field in FIELDS if field in phase.sees}


def init(setup: Setup, settings: Settings, shared: None, carry: None, own: tuple[Key, Flat]) -> State:
    """The strategy's first state, from given weights where there are any."""
    key, weights = own
    return settings.strategy.init(pretrained(make_model(setup.spec), weights), key)


def enter(setup: Setup, settings: Settings, shared: None, carry: State, own: Keys) -> Carry:
    """The phase's `begin`, then new optimizer states."""
    _, phase, program = parts(setup, settings)
    return start(program, phase.begin(carry, Context(own.begin, jnp.float32(0))))


def sweep(
    name: str, setup: Setup, settings: Settings, shared: tuple[DeviceData, Chunk], carry: Carry, own: None
) -> Tree:
    """The outputs of a sweep on slices of rows: [slices, rows of a slice, ...] each."""
    data, chunk = shared
    _, phase, program = parts(setup, settings)
    sweep = phase.sweeps[name]

    def one(piece: Chunk) -> Tree:
        out = sweep.each(carry.state, take(data, sweep.over, piece.rows, piece.x))
        for leaf in jax.tree.leaves(out):
            if jnp.shape(leaf)[:1] != piece.rows.shape:
                raise ContractError(
                    f"{program.where}, sweep '{name}' returned shape {jnp.shape(leaf)} for {len(piece.rows)} rows; "
                    "expected that number of rows first"
                )
        return out

    return jax.lax.map(one, _over_devices(setup, chunk))


def refresh(setup: Setup, settings: Settings, shared: Clock, carry: Carry, own: tuple[Keys, dict[str, Tree]]) -> Carry:
    """The carry after the phase's `refresh`, which gets the outputs of its sweeps."""
    keys, swept = own
    _, phase, program = parts(setup, settings)
    key = jax.random.fold_in(keys.refresh, shared.done)
    state = phase.refresh(carry.state, swept, Context(key, shared.progress))
    return carry._replace(state=same_tree(carry.state, state, f"{program.where}: `refresh`"))


def draw(
    steps: int, setup: Setup, settings: Settings, shared: tuple[DeviceData, Clock], carry: Carry, own: Keys
) -> tuple[dict[str, jax.Array], jax.Array]:
    """The rows of the next `steps` steps, {field: [steps, batch]}, and whether all are rows of their tables."""
    data, clock = shared
    _, phase, program = parts(setup, settings)
    sizes = batch_sizes(setup.recipe, phase)
    numbers = clock.done + jnp.arange(steps)
    *keys, own_key = jax.random.split(own.draw, len(FIELDS) + 1)
    kinds: Mapping[str, str] = phase.draw if isinstance(phase.draw, Mapping) else {}
    rows = {
        field: sampler.asked(keys[FIELDS.index(field)], numbers, _mark(program, carry.state), size)
        if kinds.get(field) == ASKED
        else sampler.draw(kinds.get(field, "epoch"), keys[FIELDS.index(field)], numbers, data.tables[field], size)
        for field, size in sizes.items()
    }
    if callable(phase.draw):
        rows |= _own_rows(
            program, data, carry.state, jax.vmap(lambda n: jax.random.fold_in(own_key, n))(numbers), sizes
        )
    inside = [jnp.all((index >= 0) & (index < data.tables[field].n)) for field, index in rows.items()]
    return rows, jnp.all(jnp.stack(inside)) if inside else jnp.bool_(True)


def _mark(program: Program, state: State) -> jax.Array:
    if ASKED not in state.extra:
        raise ContractError(
            f"{program.where} draws '{ASKED}', and its state has no extra '{ASKED}'; expected a mark [rows]"
        )
    return state.extra[ASKED]


def _own_rows(
    program: Program, data: DeviceData, state: State, keys: jax.Array, sizes: dict[str, int]
) -> dict[str, jax.Array]:
    known = {
        field: FieldFacts(table.n, None if field == "target" else table.y, table.domain)
        for field, table in data.tables.items()
        if field in sizes
    }
    own: Any = program.phase.draw
    rows: dict[str, jax.Array] = dict(jax.vmap(lambda key: own(state, known, key, sizes))(keys))
    for field, index in rows.items():
        if field not in sizes:
            raise ContractError(f"{program.where}: `draw` gives rows of '{field}'; it sees: {', '.join(sizes)}")
        if index.shape[1:] != (sizes[field],) or not jnp.issubdtype(index.dtype, jnp.integer):
            raise ContractError(
                f"{program.where}: `draw` gives {index.dtype}{list(index.shape[1:])} for '{field}'; "
                f"expected whole numbers [{sizes[field]}]"
            )
    return rows


def train(
    setup: Setup, settings: Settings, shared: tuple[DeviceData, Clock], carry: Carry, own: tuple[Keys, Chunk]
) -> tuple[Carry, Stacked]:
    """The steps whose rows the chunk holds, {field: [steps, batch]}; gives each step's metrics too."""
    data, clock = shared
    keys, chunk = own
    _, _, program = parts(setup, settings)

    def one(carry: Carry, now: tuple[jax.Array, Chunk]) -> tuple[Carry, Metrics]:
        number, piece = now
        x = piece.x or {}
        shown = {field: take(data, field, index, x.get(field)) for field, index in piece.rows.items()}
        batch = batch_of(shown, str(program.where))
        key = jax.random.fold_in(keys.steps, number)
        return step(program, carry, batch, key, number / jnp.maximum(clock.total, 1))

    numbers = clock.done + jnp.arange(len(jax.tree.leaves(chunk.rows)[0]))
    return jax.lax.scan(one, carry, (numbers, _over_devices(setup, chunk)))


def evaluate(
    setup: Setup, settings: Settings, shared: tuple[DeviceData, Table, Chunk, jax.Array], carry: State, own: None
) -> jax.Array:
    """The logits of the first slices of a chunk of a table's rows, as many as the last of `shared` says."""
    data, table, chunk, count = shared
    model, chunk = make_model(setup.spec), _over_devices(setup, chunk)
    rows: jax.Array = chunk.rows

    def one(number: jax.Array, out: jax.Array) -> jax.Array:
        source = table.x if chunk.x is None else chunk.x
        index = rows[number] if chunk.x is None else number
        x = jax.tree.map(lambda leaf: leaf[index], source)
        return out.at[number].set(predict(settings.strategy, model, carry, normalise(data, x)))

    return jax.lax.fori_loop(0, count, one, jnp.zeros((*rows.shape, model.outputs), jnp.float32))


def online(
    setup: Setup,
    settings: Settings,
    shared: tuple[DeviceData, Clock, Chunk],
    carry: Carry,
    own: Keys,
) -> tuple[Carry, tuple[Stacked, jax.Array]]:
    """Batches of the test rows in order: predict each and adapt to it. Gives every batch's metrics and logits."""
    data, clock, chunk = shared
    model, phase, program = parts(setup, settings)
    before = phase.online is not None and phase.online.predict == "before"

    def one(carry: Carry, now: tuple[jax.Array, Chunk]) -> tuple[Carry, tuple[Metrics, jax.Array]]:
        number, piece = now
        rows = take(data, "test", piece.rows, piece.x)
        assert isinstance(rows, Labelled)
        batch = batch_of({"target": Unlabelled(rows.x, rows.domain, rows.index)}, str(program.where))
        first = predict(settings.strategy, model, carry.state, rows.x) if before else None
        key = jax.random.fold_in(own.steps, number)
        carry, metrics = step(program, carry, batch, key, number / jnp.maximum(clock.total, 1))
        logits = predict(settings.strategy, model, carry.state, rows.x) if first is None else first
        return carry, (metrics, logits)

    return jax.lax.scan(one, carry, (clock.done + jnp.arange(len(chunk.rows)), _over_devices(setup, chunk)))


def predict(strategy: Strategy, model: PureModel, state: State, x: Inputs) -> jax.Array:
    """The strategy's logits [B, outputs]. Raises ContractError for another shape."""
    logits = strategy.predict(model, state, x)
    expected = (jax.tree.leaves(x)[0].shape[0], model.outputs)
    if jnp.shape(logits) != expected:
        raise ContractError(
            f"strategy {type(strategy).__name__}: `predict` returned shape {jnp.shape(logits)}; "
            f"expected {expected}, [B, outputs]"
        )
    return logits


def probe(setup: Setup, settings: Settings, shared: tuple[DeviceData, Inputs], carry: State, own: None) -> Observed:
    """Logits of a batch of rows (x as stored), and the features that `predict` made them from: the last it asked for.

    A program of its own, so that a run trains by the same one whether it is probed or not.
    """
    data, raw = shared
    model, x, seen = make_model(setup.spec), normalise(data, raw), []
    rows = jax.tree.leaves(x)[0].shape[0]

    class Spy(PureModel):
        """The model, noting the features that it gives."""

        def features(self, *args: Any, **how: Any) -> Any:
            out = super().features(*args, **how)
            seen.append(out[0])
            return out

    spy = Spy(**{name: getattr(model, name) for name in PureModel.__dataclass_fields__})
    logits = predict(settings.strategy, spy, carry, x)
    own_features = seen and seen[-1].shape == (rows, model.width)
    return Observed(seen[-1] if own_features else model.features(carry, x, train=False)[0], logits)


def all_finite(metrics: Any, state: State) -> jax.Array:
    """Whether every metric and every parameter is a finite number."""
    leaves = [leaf for leaf in (*jax.tree.leaves(metrics), *jax.tree.leaves(state.params)) if leaf.size]
    return jnp.all(jnp.stack([jnp.all(jnp.isfinite(leaf)) for leaf in leaves]))


def summary(setup: Setup, settings: None, shared: None, carry: Carry, own: Stacked) -> tuple[Metrics, jax.Array]:
    """The mean of every metric over the steps, and whether all is finite."""
    return jax.tree.map(jnp.mean, own), all_finite(own, carry.state)
