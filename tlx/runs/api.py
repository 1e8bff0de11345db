"""`tlx.run`, `tlx.sweep` and `tlx.runs`: the same from Python as from the command line."""

import contextlib
import itertools
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tlx.runs.executor import Executor, Serial, Together
from tlx.runs.fingerprint import fingerprint
from tlx.runs.resolve import make_spec, make_specs
from tlx.runs.result import Result
from tlx.runs.runner import Runner
from tlx.runs.settings import parse_settings
from tlx.runs.spec import Spec
from tlx.runs.store import Store
from tlx.runs.suite import Suite
from tlx.data.task import Dataset
from tlx.errors import SettingError
from tlx.plugins import Registry

log = logging.getLogger(__name__)


def run(
    task: str,
    strategy: str,
    *,
    backbone: str = "lenet",
    seeds: int = 3,
    steps: int | None = None,
    settings: Mapping[str, Any] | Sequence[str] | None = None,
    recipe: str = "default",
    out: str | Path | None = None,
    weights: str | Path = "",
    save: str | Path | None = None,
    plugins: Sequence[str] = (),
    datasets: Sequence[Dataset] = (),
    registry: Registry | None = None,
    observers: Sequence[Any] = (),
    embeddings: bool = False,
    progress: bool = True,
) -> Result:
    """Runs one strategy on one task and gives the result, also if it failed (`result.status`, `result.error`).

    `task` is a registered one, or any datasets of equal classes: "mnist->usps", "mnist->usps@P-2000", "a+b->c/10".

    `settings` is a mapping, or texts "key=value"; `steps` replaces the recipe's; `plugins` are files to load. With
    `out` the result is written to that folder as well, in the place of an earlier one of the same spec. `datasets` are
    in memory (`tlx.data.from_arrays`), and the task may name them; the result's command cannot run them again.
    `observers` have the methods of `tlx.hooks` that tell of a run. With `embeddings`, an .npz file beside the result
    holds features and images for the HTML report. `weights` is a source of pretrained weights for the backbone
    (`tlx.weights.read`); with `save`, the weights that each seed ends with are written to that folder, which is such a
    source itself.

    Raises:
        TlxError: an unknown name, a wrong setting, a folder that cannot be written.

    Example:
        result = tlx.run("mnist5k->optdigits", "coral", settings={"weight": 0.5})
        result.accuracy("last")
    """
    registry = registry or Registry.load(plugins)
    for dataset in datasets:
        registry.add_dataset(dataset)
    spec = make_spec(
        registry,
        task,
        strategy,
        backbone=backbone,
        recipe=recipe,
        seeds=seeds,
        settings=settings or (),
        changes=None if steps is None else {"steps": steps},
        plugins=plugins,
        weights=str(weights),
    )
    store = None if out is None else Store(out)
    if store:
        store.prepare()
    return _run_all([spec], registry, store, Serial(), progress, observers, embeddings, save)[0]


def bench(
    suite: str | Suite,
    *,
    out: str | Path | None = None,
    strategies: str | Sequence[str] | None = None,
    tasks: str | Sequence[str] | None = None,
    seeds: int | None = None,
    weights: str | None = None,
    plugins: Sequence[str] = (),
    registry: Registry | None = None,
    executor: Executor | None = None,
    observers: Sequence[Any] = (),
    embeddings: bool = False,
    progress: bool = True,
) -> list[Result]:
    """Runs what a suite lacks in the folder `out` (default "runs/SUITE"), and gives the results of all its runs.

    A run is there if its file is, it finished, and the strategy's code has not changed since; such a file is not
    touched. A run that fails, or whose data are absent, is written down with its error, does not stop the others, and
    is run again next time. `observers` and `embeddings` are as those of `run`.

    Raises:
        TlxError: an unknown name, a wrong setting, a folder that cannot be written; before anything runs.

    Example:
        results = tlx.bench("quick", strategies=["source_only", "mine"], plugins=["mine.py"])
    """
    registry = registry or Registry.load(plugins)
    found = registry.get("suites", suite) if isinstance(suite, str) else suite
    chosen = {"tasks": tasks, "strategies": strategies, "seeds": seeds, "weights": weights}
    specs = make_specs(registry, found, plugins=plugins, **chosen)
    store = Store(Path("runs") / found.name if out is None else out)
    return complete(specs, store, registry, executor, progress, observers, embeddings)


def sweep(
    task: str,
    strategy: str,
    grid: Mapping[str, Sequence[Any]],
    *,
    backbone: str = "lenet",
    seeds: int = 3,
    steps: int | None = None,
    settings: Mapping[str, Any] | Sequence[str] | None = None,
    recipe: str = "default",
    out: str | Path | None = None,
    weights: str | Path = "",
    plugins: Sequence[str] = (),
    registry: Registry | None = None,
    observers: Sequence[Any] = (),
    embeddings: bool = False,
    progress: bool = True,
) -> list[Result]:
    """Runs one strategy on one task with every combination of some settings, and gives the results in their order.

    `grid` has the values of each setting, {"weight": [0.1, 1.0]}; all else is as in `run`. Combinations that differ in
    floats alone are one compiled program; on an accelerator all of them and their seeds run under one `vmap`, so a
    result may there differ from that of a run by itself in rounding. With `out`, results that are there already are
    not run again. `tlx.report.render(results, selectors=True)` says which combination each
    selection policy would take.

    Raises:
        TlxError: an unknown name, a wrong setting, a folder that cannot be written.

    Example:
        tlx.sweep("mnist5k->optdigits", "mmd", {"weight": [0.1, 0.3, 1.0]}, out="runs/mmd")
    """
    registry = registry or Registry.load(plugins)
    cls = registry.get("strategies", strategy)
    fixed = parse_settings(cls, settings or (), strategy)
    for key, values in grid.items():
        if isinstance(getattr(cls, key, None), tuple) and any(isinstance(value, str) for value in values):
            raise SettingError(f"sweep over '{key}', a list: a text does not tell one list from two; expected tuples")
    specs = [
        make_spec(
            registry,
            task,
            strategy,
            backbone=backbone,
            recipe=recipe,
            seeds=seeds,
            settings=fixed | dict(zip(grid, values, strict=True)),
            changes=None if steps is None else {"steps": steps},
            plugins=plugins,
            weights=str(weights),
        )
        for values in itertools.product(*grid.values())
    ]
    specs = list({spec.hash: spec for spec in specs}.values())
    if out is None:
        return _run_all(specs, registry, None, Together(), progress, observers, embeddings)
    return complete(specs, Store(out), registry, Together(), progress, observers, embeddings)


def complete(
    specs: Sequence[Spec],
    store: Store,
    registry: Registry,
    executor: Executor | None = None,
    progress: bool = True,
    observers: Sequence[Any] = (),
    embeddings: bool = False,
) -> list[Result]:
    """Runs those specs that have no finished result in the store, and gives the results of all, in their order.

    Raises:
        ResultError: the folder cannot be written; before anything runs.
    """
    store.prepare()
    there = {spec.hash: result for spec in specs if (result := _there(spec, store, registry))}
    if there:
        log.info("%d of %d results are there already", len(there), len(specs))
    todo = [spec for spec in specs if spec.hash not in there]
    new = _run_all(todo, registry, store, executor or Serial(), progress, observers, embeddings)
    there |= {result.spec.hash: result for result in new}
    return [there[spec.hash] for spec in specs]


def failures(results: Sequence[Result]) -> list[str]:
    """One line for each failed run: task, strategy, error."""
    return [f"{result.spec.label}: {result.error}" for result in results if result.status == "failed"]


def absences(results: Sequence[Result]) -> list[str]:
    """One line for each task whose data are not on this machine: task, and how to get them."""
    absent = (result for result in results if result.status == "absent")
    lines = (f"{result.spec.full_task}: {' '.join(str(result.error).split())}" for result in absent)
    return list(dict.fromkeys(lines))


def _run_all(
    specs: Sequence[Spec],
    registry: Registry,
    store: Store | None,
    executor: Executor,
    progress: bool,
    observers: Sequence[Any],
    embeddings: bool,
    save: str | Path | None = None,
) -> list[Result]:
    results = []
    keep = store.keep if store and embeddings else None
    with contextlib.ExitStack() as stack:
        if progress and specs:
            from tlx.observers.progress import Bar  # rich is not needed where nobody looks

            observers = (*observers, stack.enter_context(Bar(specs)))
        for result in executor.map(Runner(registry, observers, keep=keep, save=save), specs):
            if store:
                store.write(result)
            results.append(result)
    return results


def _there(spec: Spec, store: Store, registry: Registry) -> Result | None:
    """The finished result of a spec, if the strategy's code is still the one that gave it."""
    result = store.read(spec)
    if result is None or not result.finished:
        return None
    if result.code and result.code == fingerprint(registry.get("strategies", spec.strategy)):
        return result
    log.warning("%s: the code of '%s' has changed since its result was written: run again", spec.label, spec.strategy)
    return None
