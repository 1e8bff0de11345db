"""A session: what the plugins bring, who watches, and the runs that are made with it, as from the command line."""

import contextlib
import dataclasses
import functools
import inspect
import logging
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, Literal, ParamSpec, TypeVar

from tlx.data.file_names import file_word
from tlx.data.task import Dataset
from tlx.errors import SettingError, TlxError
from tlx.executors import Executor, Serial, make_executor
from tlx.plugins import Registry
from tlx.report.results import Results
from tlx.runs.identity import Identities
from tlx.runs.plan import NAME, read_plan, write_plan
from tlx.runs.recipe_set import parse_recipe
from tlx.runs.resolve import Job, Lookup, Names, Seeds, in_groups, rebuild, resolve, resolve_suite
from tlx.runs.result import Left, Result
from tlx.runs.runner import Runner, Save
from tlx.runs.settings import Settings
from tlx.runs.spec import Spec
from tlx.runs.store import Store
from tlx.runs.suite import Suite

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from tlx.rank.rank import Ranking
    from tlx.reproduce.table import PaperTable, ProgramTable
    from tlx.reproduce.verdicts import Cell
    from tlx.trained.trained import Trained

ROUND = 64  # groups that an executor of several processes is given at once
log = logging.getLogger(__name__)
P = ParamSpec("P")
R = TypeVar("R")


class Lab:
    """A session of runs.

    `plugins` are files to load, and `datasets` are in memory (`tlx.data.from_arrays`): tasks may name them, but the
    command in a result cannot run them again. `observers` have methods named as the hooks of a run (`tlx.hooks`).
    `track` names trackers and where they write, "tensorboard:events", "wandb:project", "mlflow:mlruns". With
    `progress` a bar is shown, or in a log a line now and then. With `embeddings`, an .npz file beside each result holds
    features and images for the HTML report. `executor` says where the runs of a suite take place: the name of one, with
    its options in `executor_set`, or one itself. `registry` is one that has loaded the plugins already.

    Raises:
        PluginError: a file that cannot be loaded.
        UnknownName, SettingError: no such executor or tracker, no such option of it, or one that cannot start.
        DataError: a dataset of a name that is taken.

    Example:
        lab = tlx.Lab(plugins=["mine.py"])
        lab.run("mnist5k->optdigits", "mine").accuracy("last")
    """

    def __init__(
        self,
        plugins: Sequence[str | Path] = (),
        observers: Sequence[object] = (),
        datasets: Sequence[Dataset] = (),
        *,
        track: str | Sequence[str] = (),
        progress: bool = True,
        embeddings: bool = False,
        executor: str | Executor = Serial(),  # noqa: B008  # frozen
        executor_set: Settings = (),
        registry: Registry | None = None,
    ):
        self.plugins = tuple(map(str, plugins))
        self.progress, self.embeddings = progress, embeddings
        self.registry = registry or Registry.load(self.plugins)
        named = [track] if isinstance(track, str) else track
        self.observers = (*observers, *(_tracker(self.registry, text) for text in named))
        by_name = isinstance(executor, str)
        self.executor = make_executor(self.registry, executor, executor_set) if by_name else executor
        for dataset in datasets:
            self.registry.add_dataset(dataset)

    def run(
        self,
        task: str,
        strategy: str,
        *,
        backbone: str | None = None,
        seeds: Seeds = 3,
        steps: int | None = None,
        epochs: float | None = None,
        settings: Settings = (),
        recipe: str = "default",
        recipe_set: Settings = (),
        weights: str | Path = "",
        out: str | Path | None = None,
        save: str | Path | Save | None = None,
    ) -> Result:
        """Runs one strategy on one task and gives the result, also if it failed (`result.status`, `result.error`).

        `task` is a registered one, or one of any datasets: "mnist->usps", "mnist->usps@P-2000", "a+b->c/10". `settings`
        is a mapping, or texts "key=value"; so is `recipe_set`, fields in which the recipe is another ({"lr": 0.1}), of
        which `steps` is one. `epochs` are passes over the source's train rows, without a source over the target's, and
        stand for the steps of all phases together. The default backbone is lenet, for images of up to 32 pixels; of
        other rows one has to be named. `seeds` is how many, from 0, or a list of their numbers. `weights` is a source
        of pretrained weights for the backbone (`tlx.weights.read`).

        With `out` the result is written to that folder too, in the place of an earlier one of the same spec, but
        a run that fails takes no finished one's place (`Store.write`). "{task}" in it stands for the task's name. A run
        of that spec that was killed goes on from its last round. With `save`, the model of each seed is written to that
        folder, which `tlx.load` takes, and which is a source of weights itself: that of the last step, or that which a
        selector picks, `Save(folder, "source-val")`. After `jax.distributed.initialize` all processes do the run
        together, over all devices, and the first one alone writes.

        Raises:
            TlxError: an unknown name, a wrong setting, a folder that cannot be written.

        Example:
            result = lab.run("mnist5k->optdigits", "coral", settings={"weight": 0.5})
            result.accuracy("last")
        """
        how = {"backbone": backbone, "recipe": recipe, "seeds": seeds, "settings": settings, "epochs": epochs}
        [job] = self._jobs(task, strategy, recipe_set, steps, weights=weights, **how)
        from tlx.engine.processes import leads  # JAX is first needed here: wrong names are told without it

        store, first = _store(out, job.spec), leads()
        chosen = save if isinstance(save, Save) or save is None else Save(save)
        if chosen:
            self.registry.entry("selectors", chosen.selection)
        if store and first:
            store.prepare()
        with self._watching([job], bar=first):
            [result] = self._execute([[job]], store, Serial(), chosen)
        if store and first:
            beside = not result.finished and store.path_beside(result.spec).exists()
            log.info("wrote %s", (store.path_beside if beside else store.path)(result.spec))
        return result

    def bench(
        self,
        suite: str | Suite,
        *,
        out: str | Path | None = None,
        strategies: Names | None = None,
        tasks: Names | None = None,
        seeds: Seeds | None = None,
        steps: int | None = None,
        epochs: float | None = None,
        recipe_set: Settings = (),
        weights: str | None = None,
    ) -> Results:
        """Runs what a suite lacks in the folder `out` (default "runs/SUITE"), and gives the results of all its runs.

        A run is there if its file is, it finished, and nothing that its scores depend on has changed since: code of
        the strategy, of the backbone and of what they import, selectors, protocol, data. Such a file is not touched. A
        run that fails, or whose data are absent, is written down with its error, does not stop the others, and is run
        again next time; a finished result of before stays until then. Several processes may share `out`. Seeds, steps,
        epochs and fields of the recipe are as in `run`, in the place of the suite's.

        Raises:
            TlxError: an unknown name, a wrong setting, a folder that cannot be written; before anything runs.

        Example:
            results = tlx.Lab(plugins=["mine.py"]).bench("quick", strategies=["source_only", "mine"])
        """
        chosen = {"tasks": tasks, "strategies": strategies, "seeds": seeds, "weights": weights, "epochs": epochs}
        jobs, store = self._suite(suite, out, recipe_set, steps, **chosen)
        if not isinstance(self.executor, Serial) and not (store.folder / NAME).exists():
            write_plan(store, jobs)  # so that `tlx status` knows what is missing
        return self.complete(jobs, store)

    def plan(
        self,
        suite: str | Suite,
        *,
        out: str | Path | None = None,
        strategies: Names | None = None,
        tasks: Names | None = None,
        seeds: Seeds | None = None,
        steps: int | None = None,
        epochs: float | None = None,
        weights: str | None = None,
        recipe_set: Settings = (),
    ) -> Path:
        """Writes what `bench` would run to the folder, for `work`, and gives the path of the file; nothing runs.

        Raises:
            TlxError: as `bench`.
        """
        chosen = {"tasks": tasks, "strategies": strategies, "seeds": seeds, "weights": weights, "epochs": epochs}
        jobs, store = self._suite(suite, out, recipe_set, steps, **chosen)
        return write_plan(store, jobs)

    def work(self, folder: str | Path, shard: tuple[int, int] = (1, 1)) -> Results:
        """Runs what a folder lacks of its plan, beside any other workers on it, and gives the results that it made.

        With `shard`, (i, n), it does the i-th of n parts of the plan alone, which are the same wherever they are made:
        hosts that share nothing but the plan fill a folder each, for `tlx merge`. This session has the plugin files of
        the plan (`tlx.runs.plan.read_plan`), maybe under other paths.

        Raises:
            ResultError: there is no plan, it is damaged, or it is of another version of tlx or of a plugin.
            SettingError: there is no such part.
            TlxError: as `bench`.
        """
        part, parts = shard
        if not 1 <= part <= parts:
            raise SettingError(f"shard is {part}/{parts}; expected (i, n) with i from 1 to n.")
        store = Store(_folder(folder))
        plan = read_plan(store)
        here = [dataclasses.replace(spec, plugin_files=self.plugins) for spec in plan.specs]
        jobs = [rebuild(spec, self.registry) for spec in here]
        plan.check(jobs)
        groups = in_groups(jobs)[part - 1 :: parts]
        store.prepare(tidy=False)  # it reads all claims: once the runs are done, they are few
        results = self._beside_others(groups, store)
        store.tidy()
        return Results(results, store.folder)

    def _beside_others(self, groups: Sequence[Sequence[Job]], store: Store) -> list[Result]:
        """Runs what has no result, until every run has one, and gives the results that were made here.

        Each worker begins at a place of its own, and goes on from there: two seldom want the same run.
        """
        there = self._there([job for group in groups for job in group], store)
        todo = [group for group in groups if not all(job.spec.hash in there for job in group)]
        begin = secrets.randbelow(len(todo)) if todo else 0
        todo = {tuple(job.spec.file_name for job in group): group for group in todo[begin:] + todo[:begin]}
        one, results = isinstance(self.executor, Serial), dict[str, Result]()
        with self._watching([job for group in todo.values() for job in group]) as came:
            left, moved = list(todo), True
            while ready := store.claims.ready(left):
                came([job.spec for names in todo.keys() - set(left) for job in todo[names]])
                chosen = [todo[names] for names in ready[: 1 if one else ROUND]]
                filling = "leave" if one or moved else "wait"  # processes of an executor look at a dead claim anew
                made = [item for item in self._execute(chosen, store, self.executor, filling=filling)
                        if not isinstance(item, Left)]  # fmt: skip
                results |= {result.spec.hash: result for result in made}
                moved = bool(made)
                left = [names for names in left if not all(job.spec.hash in results for job in todo[names])]
        return list(results.values())

    def sweep(
        self,
        task: str,
        strategy: str,
        grid: Mapping[str, Sequence[Any]],
        *,
        backbone: str | None = None,
        seeds: Seeds = 3,
        steps: int | None = None,
        epochs: float | None = None,
        settings: Settings = (),
        recipe: str = "default",
        recipe_set: Settings = (),
        weights: str | Path = "",
        out: str | Path | None = None,
    ) -> Results:
        """Runs one strategy on one task with every combination of some settings, and gives the results in their order.

        `grid` has the values of each setting, {"weight": [0.1, 1.0]}; all else is as in `run`. Combinations that differ
        in floats alone are one compiled program; on an accelerator all of them and their seeds run under one `vmap`, so
        a result may there differ from that of a run by itself in rounding. With `out`, results that are there already
        are not run again. `tlx.report.render(results, selectors=True)` says which combination each selection policy
        would take.

        Raises:
            TlxError: an unknown name, a wrong setting, a folder that cannot be written.

        Example:
            lab.sweep("mnist5k->optdigits", "mmd", {"weight": [0.1, 0.3, 1.0]}, out="runs/mmd")
        """
        if not isinstance(grid, Mapping) or not grid:
            raise SettingError(
                f"sweep over {grid!r:.60}; expected settings and their values, as {{'weight': [0.1, 1.0]}}"
            )
        how = {"backbone": backbone, "recipe": recipe, "seeds": seeds, "settings": settings, "epochs": epochs}
        jobs = self._jobs(task, strategy, recipe_set, steps, weights=weights, grid=grid, **how)
        store = _store(out, jobs[0].spec)
        if store is None:
            with self._watching(jobs):
                return Results(self._execute([jobs], None, Serial()))
        return self.complete(jobs, store, together=True)

    def load(self, run: str | Path, seed: int | None = None, *, allow_other_code: bool = False) -> "Trained":
        """The model that a run saved with `save`, to apply it to new rows; see `tlx.trained.load.load`.

        Example:
            tlx.load("models/dann").predict(["cat.jpg", "dog.jpg"])
        """
        from tlx.trained.load import load

        return load(self.registry, run, seed, allow_other_code)

    def figure(self, results: "str | Path | Result | Sequence[Result]", kind: str, **options: Any) -> "Figure":
        """A figure for a paper, of results or of a folder of them; see `tlx.report.figure.draw`.

        Example:
            tlx.figure("runs/quick", "gain").savefig("gain.pdf")
        """
        from tlx.report.figure import draw

        if isinstance(results, str | Path):
            results = Results.load(results)
        return draw(self.registry, [results] if isinstance(results, Result) else results, kind, **options)

    def _jobs(
        self, task: str, strategy: str, recipe_set: Settings, steps: int | None, *, weights: str | Path, **how: Any
    ) -> list[Job]:
        """The runs of one strategy on one task, with the plugins of this session."""
        changes = parse_recipe(recipe_set, steps)
        return resolve(
            Lookup(self.registry), task, strategy, changes=changes, plugins=self.plugins, weights=str(weights), **how
        )

    def rank(self, target: str, backbones: Sequence[str], sources: Sequence[str] = (), **options: Any) -> "Ranking":
        """Backbones and sources by how well they look like transferring to a target; see `tlx.rank.rank.rank`."""
        from tlx.rank.rank import rank

        return rank(self.registry, target, backbones, sources, **options)

    def features(self, datasets: Sequence[str], *, backbone: str, **options: Any) -> list[Dataset]:
        """Datasets of the features of datasets by a backbone; see `tlx.rank.features.features`."""
        from tlx.rank.features import features

        return features(self.registry, datasets, backbone=backbone, **options)

    def reproduce(self, table: "str | PaperTable | ProgramTable", **options: Any) -> "list[Cell]":
        """Runs what a published table lacks, and gives ours beside theirs; see `tlx.reproduce.api.reproduce`."""
        from tlx.reproduce.api import reproduce

        return reproduce(self, table, **options)

    def _suite(
        self, suite: str | Suite, out: str | Path | None, recipe_set: Settings, steps: int | None, **chosen: Any
    ) -> tuple[list[Job], Store]:
        """The jobs of a suite, and its folder."""
        whole: Suite = self.registry.get("suites", suite) if isinstance(suite, str) else suite
        changes = parse_recipe(recipe_set, steps)
        jobs = resolve_suite(Lookup(self.registry), whole, plugins=self.plugins, changes=changes, **chosen)
        return jobs, Store(Path("runs") / whole.name if out is None else _folder(out))

    def complete(self, jobs: Sequence[Job], store: Store, together: bool = False) -> Results:
        """Runs those jobs that have no finished result in the store, and gives the results of all, in their order.

        The executor has them by groups that share programs; or all are one grid, `together`, in this process.
        Several processes may do so in one folder: each leaves a run that another one is at, and at last waits for it.

        Raises:
            ResultError: the folder cannot be written; before anything runs.
        """
        store.prepare()
        there = self._there(jobs, store)
        missing = [job for job in jobs if job.spec.hash not in there]
        with self._watching(missing) as came:
            for filling in ("leave", "wait"):  # what other processes are at comes last
                groups = [missing] if together else in_groups(missing)
                executor = Serial() if together else self.executor
                results = self._execute(groups, store, executor, filling=filling) if missing else []
                there |= {result.spec.hash: result for result in results if not isinstance(result, Left)}
                came([job.spec for job in missing if job.spec.hash in there])
                missing = [job for job in missing if job.spec.hash not in there]
        return Results((there[job.spec.hash] for job in jobs), store.folder)

    def _there(self, jobs: Sequence[Job], store: Store) -> dict[str, Result]:
        """The finished results that are there already and current, by hash; what their runs saved is removed."""
        current, names = Identities(self.registry).is_current, store.names()
        found = [job for job in jobs if store.path(job.spec).name in names]
        there = {job.spec.hash: result for job in found if (result := store.read(job.spec)) and current(job, result)}
        if there:
            log.info("%d of %d results are there already", len(there), len(jobs))
        for group in in_groups(jobs):
            carry = store.carry([job.spec for job in group])
            if carry.name in names and all(job.spec.hash in there for job in group):  # a process died between both
                shutil.rmtree(carry, ignore_errors=True)
        return there

    @contextlib.contextmanager
    def _watching(self, jobs: Sequence[Job], bar: bool = True) -> Iterator[Callable[[Sequence[Spec]], None]]:
        """Within it the observers hear of runs, and one bar is shown for all; called with those that others did."""
        observers = list(self.observers)
        with contextlib.ExitStack() as stack:
            shown = None
            if self.progress and bar:
                from tlx.observers.progress import Bar  # rich is not needed where nobody looks

                shown = stack.enter_context(Bar([job.spec for job in jobs]))
                observers.append(shown)
            stack.enter_context(self.registry.observing(*observers))
            yield shown.came if shown else lambda _: None

    def _execute(
        self,
        groups: Sequence[Sequence[Job]],
        store: Store | None,
        executor: Executor,
        save: Save | None = None,
        filling: Literal["anew", "leave", "wait"] = "anew",
    ) -> list[Result]:
        if self.embeddings and store is None:
            raise SettingError("embeddings are kept beside the results; expected `out`, a folder for them")
        return list(executor.map(Runner(self.registry, store, self.embeddings, save, filling), groups))


def _tracker(registry: Registry, text: str) -> object:
    """The observer that a text "NAME:WHERE" asks for. Raises SettingError, UnknownName."""
    name, _, where = text.partition(":")
    make = registry.get("trackers", name)
    if not where.strip():
        raise SettingError(f"Tracker '{text}' says not where it writes; expected {name}:WHERE. {make.__doc__}".strip())
    try:
        return make(where)
    except TlxError:
        raise
    except Exception as error:
        raise SettingError(f"Tracker '{text}' cannot start: {type(error).__name__}: {error}") from error


def _store(out: str | Path | None, spec: Spec) -> Store | None:
    return None if out is None else Store(_folder(out).replace("{task}", file_word(spec.task)))


def _folder(out: str | Path) -> str:
    """The folder for results, as a text. Raises SettingError where it is none."""
    if not isinstance(out, str | Path) or not str(out).strip():
        raise SettingError(f"out is {out!r:.60}; expected the path of a folder for the results.")
    return str(out)


def _in_a_new_lab(method: Callable[Concatenate[Lab, P], R]) -> Callable[P, R]:
    """A method of `Lab` as a function of the module: of a session with the installed plugins and the defaults."""

    @functools.wraps(method)
    def call(*args: P.args, **options: P.kwargs) -> R:
        return method(Lab(), *args, **options)

    signature = inspect.signature(method)
    call.__signature__ = signature.replace(parameters=list(signature.parameters.values())[1:])  # pyright: ignore[reportAttributeAccessIssue]
    return call


run, bench, sweep = _in_a_new_lab(Lab.run), _in_a_new_lab(Lab.bench), _in_a_new_lab(Lab.sweep)
load, figure = _in_a_new_lab(Lab.load), _in_a_new_lab(Lab.figure)
