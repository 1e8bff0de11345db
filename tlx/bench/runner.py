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

from tlx.bench.embedding import embedding
from tlx.bench.environment import environment
from tlx.bench.fingerprint import fingerprint
from tlx.bench.result import Point, Result, Times
from tlx.bench.sample import choose
from tlx.bench.selection import Opinions, candidates, select_all
from tlx.bench.spec import Spec
from tlx.data import TaskData, load_task
from tlx.errors import DataAbsent, TlxError
from tlx.plugins import Registry
from tlx.score.metrics import accuracy
from tlx.weights.save import save
from tlx.weights.source import read_for


class Runner:
    """Called with a spec, runs it and gives its result; a run that raises gives a result that is "failed".

    One whose data are not on this machine gives a result that is "absent".

    Observers have the methods `tlx_run_started`, `tlx_round_finished` and `tlx_run_finished` of `tlx.hooks`. `train` is
    `tlx.engine.train.train` unless given. `keep(spec, arrays)` is given the run's `tlx.bench.embedding`; `save` is a
    folder for the weights that each seed ends with. Pickled, it leaves everything behind: elsewhere it loads the
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
        registry = self.registry or Registry.load(spec.plugin_files)
        started, clock = datetime.now(UTC).isoformat(timespec="seconds"), time.perf_counter()
        self._tell(registry, "tlx_run_started", spec=spec)
        result = Result(spec, spec.command, "failed", environment(), Times(started, 0.0))
        try:
            strategy = registry.get("strategies", spec.strategy)
            result = replace(result, setting=strategy.setting, code=fingerprint(strategy))
            result = self._run(spec, registry, strategy, result)
        except DataAbsent as error:
            result = replace(result, status="absent", error=str(error))
        except Exception as error:
            message = str(error) if isinstance(error, TlxError) else f"{type(error).__name__}: {error}"
            result = replace(result, error=message, traceback=traceback.format_exc())
        times = replace(result.times, wall=round(time.perf_counter() - clock, 3))
        result = replace(result, times=times)
        self._tell(registry, "tlx_run_finished", spec=spec, result=result)
        return result

    def _run(self, spec: Spec, registry: Registry, strategy: Any, result: Result) -> Result:
        data = self._load(spec.full_task, registry)
        result = replace(result, data_hash=data.hash)
        train = self.train
        if train is None:
            from tlx.engine.train import train  # JAX is first needed here

        policies = {entry.name: registry.get("selectors", entry.name) for entry in registry.entries("selectors")}
        sourced = len(data.source_val.y) > 0
        if not sourced:
            policies = {name: item for name, item in policies.items() if not (item.needs_source or item.uses_features)}
        observed = self.keep is not None or any(policy.uses_features for policy in policies.values())
        chosen = choose(data, spec.recipe.eval_batch) if sourced and observed else None
        given: dict[str, Any] = {"weights": read_for(spec.weights, spec.seeds)} if spec.weights else {}
        if chosen:
            given["sample"] = chosen.images
        outcome = train(
            strategy(**dict(spec.settings)),
            registry.get("backbones", spec.backbone),
            data,
            spec.recipe,
            spec.seeds,
            lambda progress: self._tell(registry, "tlx_round_finished", spec=spec, progress=progress),
            **given,
        )
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
