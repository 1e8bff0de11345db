"""A whole run: phases > rounds > steps, all seeds at once, with an evaluation after every round."""

import dataclasses
import logging
import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from tlx.contract import Phase, Strategy, keep
from tlx.data import TaskData
from tlx.data.facts import Facts
from tlx.engine.apply import spec_of
from tlx.engine.compiled import join_runs
from tlx.engine.devices import describe, use_compilation_cache, vectorised
from tlx.engine.model import Backbone, ModelSpec, make_model
from tlx.engine.optimizer import descent
from tlx.engine.pretrained import stack_weights, weights_of
from tlx.engine.processes import gathered, leads, several, tell
from tlx.engine.programs import Observed
from tlx.engine.recipe import Recipe
from tlx.engine.run import Point, Round, Run, Section
from tlx.engine.saved import Position, SavedCarry, restore
from tlx.engine.sources import too_large
from tlx.engine.tables import check_phase, is_asking, sees_of
from tlx.errors import ContractError

log = logging.getLogger("tlx")
Weights = dict[str, np.ndarray]
SMALL = 1 / 16  # of memory: rows of which another copy may lie there while a grid is compiled ahead


class Progress(NamedTuple):
    """Where a run is, after a round: `round` of `rounds` and `step` of `steps`, over all phases; metrics per seed."""

    phase: str
    round: int
    rounds: int
    step: int
    steps: int
    metrics: dict[str, list[float]]


class Evaluation(NamedTuple):
    """Logits after a round, [seeds, rows, outputs], of the source validation and the test rows.

    `observed` has, by group, features and logits of the rows that are probed.
    """

    phase: str
    step: int
    source_logits: np.ndarray
    target_logits: np.ndarray
    metrics: dict[str, np.ndarray]  # [seeds], mean over the round
    observed: dict[str, Observed]


class Outcome(NamedTuple):
    """All that a run gives back. `diverged` holds, per seed, whether a loss or a parameter became infinite or NaN.

    `asked` has, per seed, of how many target train rows a run that asks for labels was shown one; else it is empty.
    `weights(place, evaluation)` are those of the seed at a place as they were at an evaluation: the last one (-1), or,
    where the run kept them, any.
    """

    seeds: tuple[int, ...]
    evaluations: list[Evaluation]
    diverged: tuple[bool, ...]
    steps: int
    compile_seconds: float
    train_seconds: float
    device: str
    sees: tuple[str, ...]
    weights: Callable[..., Weights]
    asked: tuple[int, ...] = ()


@dataclasses.dataclass(frozen=True)
class Options:
    """How a run goes, none of which changes its numbers but for `weights`, and for rounding `stream`.

    `on_round` is called after every round with a point's place and its progress. x lies on the device, or, with
    `stream`, comes from the host while the steps run; by default the latter where it would take more than half of the
    device's memory. `weights` are the tensors that each seed starts from, as they were published (`tlx.weights`).
    `probe` has groups of rows (x as stored), each one batch, whose features and logits every evaluation has as well.
    `saved` is where the carry is kept after every round, and taken up from. With `keep_weights` the weights of every
    evaluation are kept until the run ends.
    """

    on_round: Callable[[int, Progress], None] | None = None
    stream: bool | None = None
    weights: Sequence[Mapping[str, np.ndarray]] = ()
    probe: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    saved: SavedCarry | None = None
    keep_weights: bool = False


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
    strategy: Strategy, backbone: Backbone, data: TaskData, recipe: Recipe, seeds: Sequence[int], **options: Any
) -> Outcome:
    """Trains a strategy on a task from each seed, and evaluates it after every round: a grid of one point."""
    return train_grid([Point(strategy, recipe)], backbone, data, seeds, Options(**options))[0]


def train_grid(
    points: Sequence[Point],
    backbone: Backbone,
    data: TaskData,
    seeds: Sequence[int],
    options: Options = Options(),  # noqa: B008  # frozen
) -> list[Outcome]:
    """Trains every point, a strategy and a recipe, on a task from each seed, and evaluates it after every round.

    Points that differ in float fields alone share their programs, and run side by side: on an accelerator all their
    seeds under one `vmap`. Others come one after the other. An outcome's seconds are a point's share.

    Raises:
        ContractError: the strategy or the backbone breaks the contract, or sees what the task does not offer.
        SettingError: x must be streamed, and grain is not installed; an optimizer or schedule that is none.
        WeightsError: the weights are not those of the backbone.
    """
    use_compilation_cache()
    outcomes: dict[int, Outcome] = {}
    for number, places in enumerate(_groups(points, backbone, data)):

        def on_round(place: int, progress: Progress, places: list[int] = places) -> None:
            if options.on_round:
                options.on_round(places[place], progress)

        saved = options.saved and options.saved.part(number)
        own = dataclasses.replace(options, on_round=on_round, saved=saved)
        group = [points[place] for place in places]
        outcomes |= dict(zip(places, _Training(group, backbone, data, seeds, own).outcomes(), strict=True))
    return [outcomes[place] for place in range(len(points))]


def compile_ahead(
    points: Sequence[Point], backbone: Backbone, data: TaskData, seeds: Sequence[int], probe: Mapping[str, Any]
) -> None:
    """Compiles what `train_grid` with this `probe` needs first, which then finds it there; for a thread beside a run.

    On a CPU alone, where the rows are few: elsewhere it does nothing. Raises as `train_grid` does.
    """
    if vectorised() or several() or too_large(data, SMALL):
        return
    use_compilation_cache()  # what a thread compiles first would else turn the cache off for the whole process
    for places in _groups(points, backbone, data):
        _Training([points[place] for place in places], backbone, data, seeds, Options(probe=probe)).compile()


def _groups(points: Sequence[Point], backbone: Backbone, data: TaskData) -> list[list[int]]:
    """The places of the points that share their programs, group by group."""
    groups: dict[Hashable, list[int]] = {}
    for place, point in enumerate(points):
        groups.setdefault(_shape(point, backbone, data), []).append(place)
    return list(groups.values())


def _shape(point: Point, backbone: Backbone, data: TaskData) -> Hashable:
    """What points must have in common to share their programs: all but the values of floats."""
    strategy, recipe = point
    check_supported(strategy, data)
    phases = strategy.phases(make_model(model_spec(backbone, data, recipe)))
    _check_phases(strategy, phases, data, recipe)
    rounds = tuple((section.phase.name, section.rounds) for section in sections(phases, recipe))
    return jax.tree.structure(strategy), recipe.static(), rounds


class _Training:
    """Points of one shape through all of their phases."""

    def __init__(
        self, points: Sequence[Point], backbone: Backbone, data: TaskData, seeds: Sequence[int], options: Options
    ):
        first = points[0]
        self.points, self.data, self.seeds, self.options = points, data, seeds, options
        self.spec = model_spec(backbone, data, first.recipe)
        phases = first.strategy.phases(make_model(self.spec))
        self.sections, self.sees = sections(phases, first.recipe), sees_of(phases)
        streamed = "True" in tell(str(too_large(data))) if options.stream is None else options.stream
        self.run = Run(points, self.spec, data, self.sections, streamed)
        self.rounds = sum(max(1, len(section.rounds)) for section in self.sections)
        self.steps = sum(sum(section.rounds) for section in self.sections)
        self.evaluations: list[Evaluation] = []  # of all runs
        self.weights: list[list[Weights]] = []  # by evaluation and run
        self.finite = np.ones(len(points) * len(seeds), bool)

    def _start(self) -> None:
        weights = stack_weights(self.spec, self.options.weights) if self.options.weights else {}
        self.run.start(self.seeds, weights, self.options.probe)

    def compile(self) -> None:
        """Compiles what the first phase needs."""
        self._start()
        self.run.compile()

    def outcomes(self) -> list[Outcome]:
        """Trains, and gives every point's outcome."""
        begun = time.perf_counter()
        self._start()
        at = self._resume()
        for number, section in enumerate(self.sections):
            if number < at.phase:
                continue
            sizes = list(enumerate(section.rounds)) or [(0, 0)]
            if number > at.phase or not at.rounds:
                self.run.enter(number)
            step = self.evaluations[-1].step if self.evaluations else 0
            for place, size in sizes:
                if number == at.phase and place < at.rounds:
                    continue
                done, total = sum(section.rounds[:place]), sum(section.rounds)
                result = self.run.online() if section.phase.online else self.run.round(size, done, total)
                step += size
                self._evaluated(section.phase.name, step, result)
                self._save(Position(number, place + 1, step))
        seconds = time.perf_counter() - begun - self.run.compile_seconds
        return [self._outcome(point, seconds) for point in range(len(self.points))]

    def _resume(self) -> Position:
        loaded = self.options.saved.load() if self.options.saved else None
        if loaded is None:
            return Position(0, 0, 0)
        carry = restore(loaded.leaves, self.run.shape_of(loaded.position.phase))
        if carry is None:
            log.warning("the saved carry does not fit this run, so the run starts anew")
            return Position(0, 0, 0)
        self.run.resume(loaded.position.phase, carry)
        self.finite = loaded.finite
        for flat in loaded.evaluations:
            evaluation, weights = _from_flat(flat)
            self.evaluations.append(evaluation)
            self.weights.append(weights)
        return loaded.position

    def _evaluated(self, phase: str, step: int, result: Round) -> None:
        self.finite = self.finite & result.finite
        logits = (result.source_logits, result.target_logits)
        self.evaluations.append(Evaluation(phase, step, *logits, dict(result.metrics), self.run.probed()))
        kept = range(len(self.finite)) if self.options.keep_weights else ()
        self.weights.append([weights_of(self.spec, self.run.state_of(number)) for number in kept])
        for place in range(len(self.points)):
            own = self._own(place)
            metrics = {name: [float(value) for value in values[own]] for name, values in result.metrics.items()}
            if self.options.on_round:
                at = len(self.evaluations)
                self.options.on_round(place, Progress(phase, at, self.rounds, step, self.steps, metrics))

    def _save(self, position: Position) -> None:
        if self.options.saved:
            flat = _to_flat(self.evaluations[-1], self.weights[-1])
            carry = gathered(join_runs(self.run.carry))
            if leads():
                self.options.saved.save(position, carry, self.finite, len(self.evaluations) - 1, flat)

    def _own(self, point: int) -> slice:
        return slice(point * len(self.seeds), (point + 1) * len(self.seeds))

    def _outcome(self, point: int, seconds: float) -> Outcome:
        own, count = self._own(point), len(self.points)

        def weights(place: int, evaluation: int = -1) -> Weights:
            last = evaluation in (-1, len(self.evaluations) - 1)
            if self.weights[evaluation]:
                return self.weights[evaluation][own.start + place]
            if not last:
                raise ContractError("the weights of earlier evaluations were not kept; expected keep_weights")
            return weights_of(self.spec, self.run.state_of(own.start + place))

        return Outcome(
            seeds=tuple(self.seeds),
            evaluations=[_part(evaluation, own) for evaluation in self.evaluations],
            diverged=tuple(not ok for ok in self.finite[own]),
            steps=self.steps,
            compile_seconds=self.run.compile_seconds / count,
            train_seconds=seconds / count,
            device=describe(),
            sees=tuple(sorted(self.sees)),
            weights=weights,
            asked=() if self.run.asked is None else tuple(self.run.asked[own].sum(1).tolist()),
        )


def _part(evaluation: Evaluation, own: slice) -> Evaluation:
    """An evaluation of some of the runs."""
    arrays = jax.tree.map(lambda leaf: leaf[own], tuple(evaluation[2:]))
    return Evaluation(evaluation.phase, evaluation.step, *arrays)


def _to_flat(evaluation: Evaluation, weights: Sequence[Weights]) -> dict[str, np.ndarray]:
    flat = {name: getattr(evaluation, name) for name in ("source_logits", "target_logits")}
    flat |= {"phase": np.array(evaluation.phase), "step": np.array(evaluation.step)}
    flat |= {f"metrics/{name}": value for name, value in evaluation.metrics.items()}
    for group, seen in evaluation.observed.items():
        flat |= {f"observed/{name}/{group}": value for name, value in seen._asdict().items()}
    for number, tensors in enumerate(weights):
        flat |= {f"weights/{number}/{path}": value for path, value in tensors.items()}
    return flat


def _from_flat(flat: Mapping[str, np.ndarray]) -> tuple[Evaluation, list[Weights]]:
    metrics, observed, weights = {}, {}, {}
    for name, value in flat.items():
        kind, _, rest = name.partition("/")
        first, _, last = rest.partition("/")
        if kind == "metrics":
            metrics[rest] = value
        elif kind == "observed":
            observed.setdefault(last, {})[first] = value
        elif kind == "weights":
            weights.setdefault(int(first), {})[last] = value
    seen = {group: Observed(**values) for group, values in observed.items()}
    logits = (flat["source_logits"], flat["target_logits"])
    evaluation = Evaluation(str(flat["phase"]), int(flat["step"]), *logits, metrics, seen)
    return evaluation, [weights[number] for number in sorted(weights)]


def model_spec(backbone: Backbone, data: TaskData, recipe: Recipe) -> ModelSpec:
    """What a run's model is shaped by."""
    return spec_of(backbone, Facts.of(data), recipe)


def check_supported(strategy: Strategy, data: TaskData) -> None:
    """Raises ContractError where a strategy is not for the task's kind of input, of target, or of label space."""
    kind = type(strategy)
    for what, supported, got in (
        ("inputs", kind.inputs, data.input.kind),
        ("targets", kind.targets, data.target_kind),
        ("spaces", kind.spaces, data.space.kind if data.target_kind == "classes" else ""),
    ):
        if got and supported and got not in supported:
            raise ContractError(
                f"strategy {kind.__name__} is for {what} {', '.join(supported)}; task '{data.task.name}' has '{got}'"
            )


def _check_phases(strategy: Strategy, phases: Any, data: TaskData, recipe: Recipe) -> None:
    name = type(strategy).__name__
    if not (isinstance(phases, tuple) and phases and all(isinstance(phase, Phase) for phase in phases)):
        raise ContractError(f"strategy {name}: `phases` returned {phases!r}; expected a tuple of one or more Phase")
    for phase in phases:
        where = f"strategy {name}, phase {phase.name}"
        if not (phase.objectives or phase.online or phase.after is not keep or phase.refresh is not keep):
            raise ContractError(f"{where} has no objectives; expected one or more, or `after`, or `refresh`")
        check_phase(phase, data, where)
        descent(recipe, recipe.traced(), phase)
        if [other.name for other in phases].count(phase.name) > 1:
            raise ContractError(f"strategy {name} has two phases named '{phase.name}'; expected names that differ")
        if not is_asking(phase) and "labelled" in phase.sees and any(map(is_asking, phases)):
            raise ContractError(
                f"{where} sees all labels, and another phase asks for some; expected draw 'asked' in both"
            )
        if phase.online and phase.sees != {"target"}:
            raise ContractError(f"{where} is online and sees {sorted(phase.sees)}; expected target alone")
