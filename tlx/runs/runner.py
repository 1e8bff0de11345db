"""Runs jobs: loads their data, trains them, scores them, and writes what is to be kept, whatever happens."""

import logging
import time
import traceback
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from tlx.data import TaskData
from tlx.errors import DataAbsent, ResultError, SettingError
from tlx.plugins import Registry
from tlx.runs.about import About
from tlx.runs.embedding import embedding
from tlx.runs.environment import versions
from tlx.runs.fingerprint import engine_fingerprint
from tlx.runs.identity import Code, Identities
from tlx.runs.probe import Probe, choose_probe
from tlx.runs.record import Ending, make_left, make_result
from tlx.runs.resolve import Job, load_registry
from tlx.runs.result import Result
from tlx.runs.select import select_all, selectors_for
from tlx.runs.spec import Spec, joint_hash
from tlx.runs.store import Store
from tlx.score.selectors import Selector
from tlx.weights.save import save as write_weights
from tlx.weights.source import read_for

if TYPE_CHECKING:
    from tlx.engine.saved import SavedCarry

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Save:
    """A folder for the weights of each seed, and the selector that picks the evaluation whose weights they are."""

    folder: str | Path
    selection: str = "last"


class Setup(NamedTuple):
    """What the runs of a grid have in common besides their data."""

    selectors: dict[str, Selector]
    probe: Probe | None
    keep_weights: bool
    carry: "SavedCarry | None"


class Runner:
    """Called with a job, runs it and gives its result; a run that raises gives a result that is "failed".

    A run whose data are not on this machine gives a result that is "absent". Plugins with the hooks of a run hear of
    it. With a `store` the result is written to it, and a run that was killed goes on from its last round; with
    `embeddings` the store has the run's `tlx.runs.embedding` too. `filling` says what to do where other processes fill
    the store too: "anew" waits for one that is at the run and runs it again; "leave" gives a `Left` for such a run, and
    "wait" waits for it, and both take a result that has come by then. As JSON, it leaves the registry behind: in
    another process it loads the plugins that a job's spec names. `hook`, by default the registry's, has the hooks of a
    run as methods. Where several processes do a run together, the first alone claims, writes and is heard of; an error
    of one ends all, and no result is made of it.
    """

    def __init__(
        self,
        registry: Registry | None = None,
        store: Store | None = None,
        embeddings: bool = False,
        save: Save | None = None,
        filling: Literal["anew", "leave", "wait"] = "anew",
        hook: Any = None,
    ):
        self.registry, self.store, self.embeddings, self.save = registry, store, embeddings, save
        self.filling: Literal["anew", "leave", "wait"] = filling
        self.hook = hook
        self._data: dict[str, TaskData | DataAbsent] = {}
        self._thread = ThreadPoolExecutor(1, "ahead")
        self._ahead: list[Future] = []

    @property
    def hooks(self) -> Any:
        """What hears of the runs: methods named as the hooks of a run."""
        return self.hook or (self.registry or load_registry(())).hook

    def to_json(self) -> dict[str, Any]:
        """What another process needs to do the same, as JSON values."""
        save = [str(self.save.folder), self.save.selection] if self.save else None
        folder = str(self.store.folder.absolute()) if self.store else None
        return {"folder": folder, "embeddings": self.embeddings, "save": save, "filling": self.filling}

    @classmethod
    def from_json(cls, fields: Mapping[str, Any], hook: Any) -> "Runner":
        """The runner of `to_json`'s dict, with hooks of its own."""
        store = Store(fields["folder"]) if fields["folder"] else None
        save = Save(*fields["save"]) if fields["save"] else None
        return cls(None, store, fields["embeddings"], save, fields["filling"], hook)

    def __call__(self, job: Job) -> Result:
        return self.grid([job])[0]

    def grid(self, jobs: Sequence[Job], following: Sequence[Job] = ()) -> list[Result]:
        """The results of jobs that differ in settings and recipe alone, which the engine runs as one grid.

        Where one raises, all fail. Times are each one's share. They are left where another process is at one of them.
        Meanwhile the programs of the grid `following` are compiled, where it is on the same task.

        Raises:
            ResultError: a result, or what a run goes on from, cannot be written.
            SettingError: several processes are to fill a folder together.
        """
        if _processes().several() and self.filling != "anew":
            raise SettingError(
                "several processes do one run together, no suite and no sweep; expected `run`. The runs of a suite are "
                "divided between processes by an executor (tlx list executors) or by tlx worker"
            )
        if self.store is None or not _processes().leads():
            return self._run(jobs, following)
        with self.store.claim([job.spec for job in jobs], wait=self.filling != "leave") as mine:
            if not mine:
                log.info("%s: another process runs it, left to that one", ", ".join(job.spec.label for job in jobs))
                return [make_left(job, _now()) for job in jobs]
            there = {} if self.filling == "anew" else self._finished(jobs, self.store)
            missing = [job for job in jobs if job.spec.hash not in there]
            there |= {result.spec.hash: result for result in (self._run(missing, following) if missing else ())}
            return [there[job.spec.hash] for job in jobs]

    def _finished(self, jobs: Sequence[Job], store: Store) -> dict[str, Result]:
        """The results that other processes came to since somebody looked, by hash; also those that failed since."""
        changes = Identities(self.registry or load_registry(jobs[0].spec.plugin_files)).changes
        read = [(job, result) for job in jobs if (result := store.read(job.spec))]
        return {
            job.spec.hash: result
            for job, result in read
            if (not changes(job, result) if result.finished else store.is_new(job.spec))
        }

    def _run(self, jobs: Sequence[Job], following: Sequence[Job] = ()) -> list[Result]:
        registry = self.registry or load_registry(jobs[0].spec.plugin_files)
        several, leads = _processes().several(), _processes().leads()
        hook = (self.hook or registry.hook) if leads else _Unheard()
        started, clock = _now(), time.perf_counter()
        for job in jobs:
            hook.tlx_run_started(spec=job.spec)
        identities = Identities(registry)
        codes = [identities.code(job) for job in jobs]
        data = setup = None
        try:
            data = self._load(jobs[0], identities)
            setup = self._set_up(jobs, data, registry, codes[0])
            self._compile_ahead(following, jobs[0], data, setup)
            endings = self._train(jobs, data, setup, hook)
        except BaseException as error:  # also SystemExit, of a plugin: the other runs go on
            if interrupts(error):
                raise KeyboardInterrupt from error
            if several or isinstance(error, ResultError):  # on a full disk the other runs would fail as well
                raise
            endings = [Ending(data, error=error, trace=traceback.format_exc())] * len(jobs)
        wall = round((time.perf_counter() - clock) / len(jobs), 3)
        made = zip(jobs, endings, codes, strict=True)
        results = [make_result(job, ending, code, started, wall) for job, ending, code in made]
        if self.store and leads:
            for result in results:
                self.store.write(result)
        if setup and setup.carry and leads and all(result.finished for result in results):
            setup.carry.clear()
        for result in results:
            hook.tlx_run_finished(spec=result.spec, result=result)
        return results

    def _set_up(self, jobs: Sequence[Job], data: TaskData, registry: Registry, code: Code) -> Setup:
        spec, selectors = jobs[0].spec, selectors_for(registry, data)
        by_selector = self.save is not None and self.save.selection != "last"
        if self.save is not None and by_selector and self.save.selection not in selectors:
            raise SettingError(
                f"The weights selected by '{self.save.selection}' cannot be saved: that selector does not judge runs "
                f"on {spec.full_task}; expected one of {', '.join(selectors)}."
            )
        probed = self.embeddings or any(item.uses_features for item in selectors.values())
        probe = choose_probe(data, spec.recipe.eval_batch) if probed and len(data.source_val.y) else None
        carry = self._carry(jobs, data, code, f"probe {bool(probe)}, weights of every evaluation {by_selector}")
        return Setup(selectors, probe, by_selector, carry)

    def _train(self, jobs: Sequence[Job], data: TaskData, setup: Setup, hook: Any) -> list[Ending]:
        from tlx.engine.train import Options, Point, train_grid  # JAX is first needed here

        spec, probe = jobs[0].spec, setup.probe
        options = Options(
            on_round=lambda place, progress: hook.tlx_round_finished(spec=jobs[place].spec, progress=progress),
            weights=read_for(spec.weights, spec.seeds) if spec.weights else (),
            probe=probe.x if probe else {},
            saved=setup.carry,
            keep_weights=setup.keep_weights,
        )
        points = [Point(job.strategy, job.spec.recipe) for job in jobs]
        outcomes = train_grid(points, jobs[0].backbone, data, spec.seeds, options)
        endings = [Ending(data, outcome, select_all(setup.selectors, outcome, data, probe)) for outcome in outcomes]
        for job, ending in zip(jobs, endings, strict=True):
            self._keep(job, ending, probe)
        return endings

    def _compile_ahead(self, following: Sequence[Job], job: Job, data: TaskData, setup: Setup) -> None:
        """Compiles, in a thread, what the jobs `following` need first; an error in it is left to their own run."""
        wait(self._ahead)  # it may be at what this job needs
        self._ahead = []
        if not following or not _alike(following[0].spec, job.spec) or following[0].spec.weights:
            return
        from tlx.engine.train import Point, compile_ahead

        first, probe = following[0], setup.probe.x if setup.probe else {}
        points = [Point(each.strategy, each.spec.recipe) for each in following]
        self._ahead = [self._thread.submit(compile_ahead, points, first.backbone, data, first.spec.seeds, probe)]

    def _keep(self, job: Job, ending: Ending, probe: Probe | None) -> None:
        """Writes the embedding and the weights of a run, where they are asked for."""
        spec, data, outcome, leads = job.spec, ending.data, ending.outcome, _processes().leads()
        assert data is not None and outcome is not None
        if self.embeddings and self.store and probe and leads:
            self.store.keep(spec, embedding(outcome, data, probe))
        if self.save is None:
            return
        picked = ending.selected.get(self.save.selection)
        if picked is None and self.save.selection != "last":
            log.warning("%s: no weights are saved, since '%s' failed", spec.label, self.save.selection)
            return
        for place, seed in enumerate(spec.seeds):
            evaluation = picked.places[place] if picked and self.save.selection != "last" else -1
            tensors, at = outcome.weights(place, evaluation), outcome.evaluations[evaluation]
            about = About.of(job, data, seed, self.save.selection, at.phase, at.step)
            if leads:
                write_weights(self.save.folder, seed, tensors, about.text(tensors))
        if leads:
            log.info("saved the model of %d seeds in %s; apply it: tlx predict %s INPUT...", len(spec.seeds),
                     self.save.folder, self.save.folder)  # fmt: skip

    def _carry(self, jobs: Sequence[Job], data: TaskData, code: Code, kept: str) -> "SavedCarry | None":
        """Where the runs are saved after every round, and what has to be equal for a run to go on from there.

        `kept` says what is kept of every evaluation. The processes of a run have to agree on all of it.
        """
        from tlx.engine.saved import SavedCarry

        specs = [job.spec for job in jobs]
        installed = versions()
        identity = {
            "spec": joint_hash(specs),
            "data": data.hash,
            "code": "\n".join([code.strategy, *(code.parts.get(name, "") for name in ("backbone", "protocol"))]),
            "tlx": f"{installed['tlx']} {engine_fingerprint()}",
            "jax": installed["jax"],
            "kept": kept,
        }
        _processes().agree(identity)
        return SavedCarry(self.store.carry(specs), identity) if self.store else None

    def _load(self, job: Job, identities: Identities) -> TaskData:
        """The arrays of a task; one task at a time, as a suite goes task by task. Data that are absent stay so."""
        name = job.spec.full_task
        if name not in self._data:
            try:
                self._data = {name: identities.load(job)}
            except DataAbsent as error:  # a download that failed is not tried again for every strategy
                self._data = {name: error}
        data = self._data[name]
        if isinstance(data, DataAbsent):
            raise data
        return data


class _Unheard:
    """The hooks of a run, of which nobody hears."""

    def __getattr__(self, name: str) -> Any:
        return lambda **_: None


def _alike(one: Spec, other: Spec) -> bool:
    """Whether both have the same rows, and evaluate them by as many at a time."""
    return (one.full_task, one.recipe.eval_batch) == (other.full_task, other.recipe.eval_batch)


def _processes() -> Any:
    from tlx.engine import processes  # JAX is first needed here

    return processes


def interrupts(error: BaseException | None) -> bool:
    """Whether an error is a Ctrl-C, or what somebody made of one."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error is not None


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
