"""One run: from its spec to its result, whatever happens."""

import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from tlx.runs.embedding import embedding
from tlx.runs.environment import environment
from tlx.runs.fingerprint import fingerprint
from tlx.runs.result import Point, Result, Times
from tlx.runs.probe import Chosen, choose
from tlx.runs.select import Opinions, candidates, select_all
from tlx.runs.spec import Spec
from tlx.data import TaskData, load_task
from tlx.errors import DataAbsent, TlxError
from tlx.plugins import Registry
from tlx.score.metrics import accuracy
from tlx.score.selectors import Selector
from tlx.weights.save import save
from tlx.weights.source import read_for


class Runner:
    """Called with a spec, runs it and gives its result; a run that raises gives a result that is "failed".

    One whose data are not on this machine gives a result that is "absent".

    Observers have the methods `tlx_run_started`, `tlx_round_finished` and `tlx_run_finished` of `tlx.hooks`. `train` is
    `tlx.engine.train.train_grid` unless given. `keep(spec, arrays)` is given the run's `tlx.runs.embedding`; `save` is
    a folder for the weights that each seed ends with. Pickled, it leaves everything behind: elsewhere it loads the
    plugins anew.
    """

    def __init__(
        self,
        registry: Registry | None = None,
        observers: Sequence[Any] = (),
        train: Callable[..., Any] | None = None,
        keep: Callable[[Spec, dict[str, np.ndarray]], Any] | None = None,
        save: str | Path | None = None,
    ):
        self.registry, self.observers, self.train, self.keep, self.save = registry, observers, train, keep, save
        self._data: dict[str, TaskData | DataAbsent] = {}

    def __reduce__(self):
        return Runner, ()

    def __call__(self, spec: Spec) -> Result:
        return self.grid([spec])[0]

    def grid(self, specs: Sequence[Spec]) -> list[Result]:
        """The results of specs that differ in settings and recipe alone, which the engine runs as one grid.

        Where one raises, all fail. Times are each one's share.
        """
        registry = self.registry or Registry.load(specs[0].plugin_files)
        started, clock = datetime.now(UTC).isoformat(timespec="seconds"), time.perf_counter()
        results = []
        for spec in specs:
            self._tell(registry, "tlx_run_started", spec=spec)
            results.append(Result(spec, spec.command, "failed", environment(), Times(started, 0.0)))
        try:
            strategy = registry.get("strategies", specs[0].strategy)
            code = fingerprint(strategy)
            results = [replace(result, setting=strategy.setting, code=code) for result in results]
            results = self._run(specs, registry, strategy, results)
        except DataAbsent as error:
            results = [replace(result, status="absent", error=str(error)) for result in results]
        except Exception as error:
            message = str(error) if isinstance(error, TlxError) else f"{type(error).__name__}: {error}"
            results = [replace(result, error=message, traceback=traceback.format_exc()) for result in results]
        wall = round((time.perf_counter() - clock) / len(specs), 3)
        results = [replace(result, times=replace(result.times, wall=wall)) for result in results]
        for result in results:
            self._tell(registry, "tlx_run_finished", spec=result.spec, result=result)
        return results

    def _run(self, specs: Sequence[Spec], registry: Registry, strategy: Any, results: Sequence[Result]) -> list[Result]:
        spec = specs[0]
        data = self._load(spec.full_task, registry)
        results = [replace(result, data_hash=data.hash) for result in results]
        from tlx.engine.runs import Point  # JAX is first needed here

        train = self.train
        if train is None:
            from tlx.engine.train import train_grid as train

        policies = {entry.name: registry.get("selectors", entry.name) for entry in registry.entries("selectors")}
        sourced = len(data.source_val.y) > 0
        if not sourced:
            policies = {name: item for name, item in policies.items() if not (item.needs_source or item.uses_features)}
        observed = self.keep is not None or any(policy.uses_features for policy in policies.values())
        chosen = choose(data, spec.recipe.eval_batch) if sourced and observed else None
        given: dict[str, Any] = {"weights": read_for(spec.weights, spec.seeds)} if spec.weights else {}
        if chosen:
            given["sample"] = chosen.images
        outcomes = train(
            [Point(strategy(**dict(spec.settings)), spec.recipe) for spec in specs],
            registry.get("backbones", spec.backbone),
            data,
            spec.seeds,
            lambda place, progress: self._tell(registry, "tlx_round_finished", spec=specs[place], progress=progress),
            **given,
        )
        return [
            self._scored(result, outcome, data, policies, chosen)
            for result, outcome in zip(results, outcomes, strict=True)
        ]

    def _scored(
        self, result: Result, outcome: Any, data: TaskData, policies: dict[str, Selector], chosen: Chosen | None
    ) -> Result:
        spec = result.spec
        if self.save is not None:
            about = {"backbone": spec.backbone, "classes": "\n".join(data.classes), "spec": spec.hash}
            for place, seed in enumerate(spec.seeds):
                save(self.save, seed, outcome.weights(place), about)
        selections, opinions = select_all(policies, outcome, data, chosen)
        if self.keep and chosen:
            self.keep(spec, embedding(outcome, data, chosen))
        times = replace(result.times, compile=round(outcome.compile_seconds, 3), train=round(outcome.train_seconds, 3))
        return replace(
            result,
            status="finished",
            environment=environment(outcome.device),
            times=times,
            sees=tuple(sorted(outcome.sees)),
            diverged=[bool(item) for item in outcome.diverged],
            selections=selections,
            curves=_curves(outcome, data, opinions),
        )

    def _load(self, task: str, registry: Registry) -> TaskData:
        """The arrays of a task; one task at a time, as a suite goes task by task. Data that are absent stay so."""
        if task not in self._data:
            try:
                self._data = {task: load_task(registry.get("tasks", task), partial(registry.get, "datasets"))}
            except DataAbsent as error:  # a download that failed is not tried again for every strategy
                self._data = {task: error}
        data = self._data[task]
        if isinstance(data, DataAbsent):
            raise data
        return data

    def _tell(self, registry: Registry, event: str, **what: Any) -> None:
        getattr(registry.hook, event)(**what)
        for observer in self.observers:
            getattr(observer, event)(**what)


def _curves(outcome: Any, data: TaskData, opinions: Opinions) -> list[Point]:
    first = len(outcome.evaluations) - len(candidates(outcome))
    return [
        Point(
            phase=evaluation.phase,
            step=int(evaluation.step),
            metrics={key: [_number(value) for value in values] for key, values in sorted(evaluation.metrics.items())},
            source_val=[accuracy(logits, data.source_val.y) for logits in evaluation.source_logits if len(logits)],
            target=[accuracy(logits, data.test_y) for logits in evaluation.target_logits],
            selectors={name: [_number(seed[number - first]) for seed in seeds] for name, seeds in opinions.items()}
            if number >= first
            else {},
        )
        for number, evaluation in enumerate(outcome.evaluations)
    ]


def _number(value: Any) -> float | None:
    """Six digits, as float32 has; None for what JSON cannot hold."""
    return float(f"{value:.6g}") if np.isfinite(value) else None
