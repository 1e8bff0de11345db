"""A whole run: phases > rounds > steps, all seeds at once, with an evaluation after every round."""

import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from tlx.contract import Phase, Strategy, keep
from tlx.data import TaskData
from tlx.engine.devices import describe, use_compilation_cache
from tlx.engine.evaluate import Observed
from tlx.engine.feed import check_sees, union
from tlx.engine.model import Backbone, Frame, make_model
from tlx.engine.pretrained import stacked, weights_of
from tlx.engine.recipe import Recipe
from tlx.engine.runs import Point, Run
from tlx.engine.slow_ops import warn_of_traps
from tlx.engine.stream import StreamedRun, too_large
from tlx.errors import ContractError


class Progress(NamedTuple):
    """Where a run is, after a round: `round` of `rounds` and `step` of `steps`, over all phases; metrics per seed."""

    phase: str
    round: int
    rounds: int
    step: int
    steps: int
    metrics: dict[str, list[float]]


class Evaluation(NamedTuple):
    """Logits after a round, [seeds, rows, classes], of the source validation and the target test images.

    `observed` has, by group, features and logits of the images that `train` was given as its `sample`.
    """

    phase: str
    step: int
    source_logits: np.ndarray
    target_logits: np.ndarray
    metrics: dict[str, np.ndarray]  # [seeds], mean over the round
    observed: dict[str, Observed]


class Outcome(NamedTuple):
    """All that a run gives back. `diverged` holds, per seed, whether a loss or a parameter became infinite or NaN."""

    seeds: tuple[int, ...]
    evaluations: list[Evaluation]
    diverged: tuple[bool, ...]
    steps: int
    compile_seconds: float
    train_seconds: float
    device: str
    sees: tuple[str, ...]
    weights: Callable[[int], dict[str, np.ndarray]]  # of the seed at a place, as it ended


class Section(NamedTuple):
    """The steps of each round of one phase; an online phase, or one without a share, has one round and no step."""

    phase: Phase
    rounds: tuple[int, ...]


def sections(phases: Sequence[Phase], recipe: Recipe) -> list[Section]:
    """The budget of steps and rounds divided by the phases' shares, every phase getting at least one of each."""
    total = sum(float(phase.share) for phase in phases if not phase.online)
    out, spent, given = [], 0.0, 0
    for phase in phases:
        if phase.online:
            out.append(Section(phase, ()))
            continue
        if not phase.share:
            out.append(Section(phase, (0,)))
            continue
        spent += phase.share / total
        steps = max(1, round(recipe.steps * spent) - given)
        given += steps
        out.append(Section(phase, _split(steps, max(1, round(recipe.rounds * phase.share / total)))))
    return out


def _split(steps: int, rounds: int) -> tuple[int, ...]:
    """Rounds of one size where a near number of rounds divides the steps (one program), else with a longer last one."""
    near = [count for count in range(1, min(steps, 2 * rounds) + 1) if steps % count == 0 and 2 * count >= rounds]
    count = min(near, key=lambda count: abs(count - rounds)) if near else min(steps, rounds)
    size, rest = divmod(steps, count)
    return (size,) * (count - 1) + (size + rest,)


def train(
    strategy: Strategy,
    backbone: Backbone,
    data: TaskData,
    recipe: Recipe,
    seeds: Sequence[int],
    on_round: Callable[[Progress], None] | None = None,
    **how: Any,
) -> Outcome:
    """Trains a strategy on a task from each seed, and evaluates it after every round: a grid of one point.

    `on_round` is told of every round; all else is as `train_grid` has it.
    """
    told = None if on_round is None else lambda _, progress: on_round(progress)
    return train_grid([Point(strategy, recipe)], backbone, data, seeds, told, **how)[0]


def train_grid(
    points: Sequence[Point],
    backbone: Backbone,
    data: TaskData,
    seeds: Sequence[int],
    on_round: Callable[[int, Progress], None] | None = None,
    stream: bool | None = None,
    weights: Sequence[Mapping[str, np.ndarray]] = (),
    sample: Mapping[str, np.ndarray] | None = None,
) -> list[Outcome]:
    """Trains every point, a strategy and a recipe, on a task from each seed, and evaluates it after every round.

    Points that differ in float fields alone share their programs, and run side by side: on an accelerator all their
    seeds under one `vmap`. Others come one after the other. An outcome's seconds are a point's share. `on_round` is
    told a point's place and its progress.

    With `weights`, the tensors that each seed starts from, as they were published (`tlx.weights`).

    The images lie on the device, or, with `stream`, come from the host while the steps run; by default the latter
    where they would take more than half of the device's memory. Every evaluation has the features and the logits of
    `sample` as well, groups of images (uint8) of which each is one batch; that changes no other number.

    Raises:
        ContractError: the strategy or the backbone breaks the contract, or sees what the task does not offer.
        SettingError: the images must be streamed, and grain is not installed.
        WeightsError: the weights are not those of the backbone.
    """
    use_compilation_cache()
    groups: dict[Hashable, list[int]] = {}
    for place, point in enumerate(points):
        groups.setdefault(_shape(point, backbone, data), []).append(place)
    streamed = too_large(data) if stream is None else stream
    outcomes: dict[int, Outcome] = {}
    for places in groups.values():

        def told(number: int, progress: Progress, places: list[int] = places) -> None:
            if on_round:
                on_round(places[number], progress)

        group = [points[place] for place in places]
        found = _train(group, backbone, data, seeds, told, streamed, weights, sample or {})
        outcomes |= dict(zip(places, found, strict=True))
    return [outcomes[place] for place in range(len(points))]


def _shape(point: Point, backbone: Backbone, data: TaskData) -> Hashable:
    """What points must have in common to share their programs: all but the values of floats."""
    strategy, recipe = point
    phases = strategy.phases(make_model(frame_of(backbone, data, recipe)))
    _check_phases(strategy, phases, data)
    rounds = tuple((section.phase.name, section.rounds) for section in sections(phases, recipe))
    return jax.tree.structure(strategy), recipe.skeleton(), rounds


def _train(
    points: Sequence[Point],
    backbone: Backbone,
    data: TaskData,
    seeds: Sequence[int],
    on_round: Callable[[int, Progress], None],
    stream: bool,
    weights: Sequence[Mapping[str, np.ndarray]],
    sample: Mapping[str, np.ndarray],
) -> list[Outcome]:
    """`train_grid` of points of one shape."""
    frame = frame_of(backbone, data, points[0].recipe)
    warn_of_traps(frame)
    phases = points[0].strategy.phases(make_model(frame))
    sees = union([phase.sees for phase in phases])
    plan = sections(phases, points[0].recipe)
    begun = time.perf_counter()
    keys = jax.vmap(jax.random.key)(jnp.asarray(seeds, jnp.uint32))
    kind = StreamedRun if stream else Run
    runner = kind(points, frame, data, sees, keys, stacked(frame, weights) if weights else {}, sample)
    rounds, steps = sum(max(1, len(s.rounds)) for s in plan), sum(sum(s.rounds) for s in plan)
    own = [slice(number * len(seeds), (number + 1) * len(seeds)) for number in range(len(points))]
    evaluations: list[list[Evaluation]] = [[] for _ in points]
    finite = np.ones(len(points) * len(seeds), bool)
    step = 0
    for number, section in enumerate(plan):
        runner.enter(number, None if section.phase.online else section.rounds[0], sum(section.rounds))
        for done, size in _rounds(section):
            result = jax.device_get(
                runner.online() if section.phase.online else runner.round(size, done, sum(section.rounds))
            )
            step += size
            finite &= result.finite
            observed = runner.observed()
            for point, mine in enumerate(own):
                evaluation = Evaluation(
                    section.phase.name,
                    step,
                    result.source_logits[mine, : len(data.source_val.x)],
                    result.target_logits[mine, : len(data.test_x)],
                    {name: values[mine] for name, values in result.metrics.items()},
                    jax.tree.map(lambda leaf, mine=mine: leaf[mine], observed),
                )
                evaluations[point].append(evaluation)
                metrics = {name: [float(value) for value in values] for name, values in evaluation.metrics.items()}
                on_round(point, Progress(section.phase.name, len(evaluations[point]), rounds, step, steps, metrics))
    seconds = time.perf_counter() - begun - runner.compile_seconds
    final = runner.carry.state

    def outcome(point: int) -> Outcome:
        first = own[point].start

        def ended(place: int) -> dict[str, np.ndarray]:
            return weights_of(frame, jax.tree.map(lambda leaf: leaf[first + place], final))

        return Outcome(
            seeds=tuple(seeds),
            evaluations=evaluations[point],
            diverged=tuple(not ok for ok in finite[own[point]]),
            steps=step,
            compile_seconds=runner.compile_seconds / len(points),
            train_seconds=seconds / len(points),
            device=describe(),
            sees=tuple(sorted(sees)),
            weights=ended,
        )

    return [outcome(point) for point in range(len(points))]


def frame_of(backbone: Backbone, data: TaskData, recipe: Recipe) -> Frame:
    """What a run's programs are shaped by; cached features are not scaled, whatever the protocol says of images."""
    protocol = data.task.protocol
    return Frame(
        backbone,
        data.source.x.shape[1:],
        len(data.classes),
        len(data.target_x),
        recipe.bottleneck,
        recipe.dtype,
        recipe.weak,
        recipe.strong,
        protocol.mean,
        protocol.std,
        len(data.labelled.x),
        (protocol.resize or 0) if data.target_x.dtype == np.uint8 else 0,
    )


def _rounds(section: Section) -> list[tuple[int, int]]:
    """(steps done before, steps) of each round."""
    if section.phase.online:
        return [(0, 0)]
    return [(sum(section.rounds[:i]), size) for i, size in enumerate(section.rounds)]


def _check_phases(strategy: Strategy, phases: Sequence[Phase], data: TaskData) -> None:
    name = type(strategy).__name__
    if not (isinstance(phases, tuple) and phases and all(isinstance(phase, Phase) for phase in phases)):
        raise ContractError(f"strategy {name}: `phases` returned {phases!r}; expected a tuple of one or more Phase")
    for phase in phases:
        where = f"strategy {name}, phase {phase.name}"
        if not (phase.objectives or phase.online or phase.after is not keep or phase.refresh is not keep):
            raise ContractError(f"{where} has no objectives; expected one or more, or `after`, or `refresh`")
        check_sees(phase.sees, data, where)
        if [other.name for other in phases].count(phase.name) > 1:
            raise ContractError(f"strategy {name} has two phases named '{phase.name}'; expected names that differ")
        if phase.online and phase.sees != {"target"}:
            raise ContractError(f"{where} is online and sees {sorted(phase.sees)}; expected target alone")
