"""The hooks that a plugin may implement: registrations, commands, and observers of a run.

A plugin is a module with functions of these names, each marked `@tlx.hookimpl`, found through an entry point of the
group `tlx` or given as a file. It implements the hooks that it needs, and takes the arguments that it needs.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import pluggy

if TYPE_CHECKING:
    import click

    from tlx.engine.train import Progress
    from tlx.runs.result import Result
    from tlx.runs.spec import Spec

hookspec = pluggy.HookspecMarker("tlx")
hookimpl = pluggy.HookimplMarker("tlx")


class Register(Protocol):
    """What a registration hook calls once for each thing that the plugin brings.

    `target` is a lazy "module:Name", imported when first used, or the object itself. `summary` is one line; by default
    the first docstring line of the target, read from the text of its module without importing it. `also` are other
    names that papers have for it ("DAN"); of these and of its own name neither case nor "-", "_" and "." tell.
    """

    def __call__(self, name: str, target: object, summary: str = "", also: Sequence[str] = ()) -> None: ...


@hookspec
def tlx_strategies(register: Register) -> None:
    """Brings strategies. Target: a `tlx.Strategy` subclass marked `@tlx.strategy`.

    Example:
        @hookimpl
        def tlx_strategies(register):
            register("mean_shift", "my_plugin.mean_shift:MeanShift")
    """


@hookspec
def tlx_backbones(register: Register) -> None:
    """Brings backbones. Target: called as `(in_shape, rngs)`, gives an `nnx.Module` or a Linen module with a `width`.

    `width` is the length of the features. A method `head(width, outputs, rngs)` of the module gives its classifier;
    without one it is linear.

    Example:
        @hookimpl
        def tlx_backbones(register):
            register("tiny", "my_plugin.tiny:Tiny")
    """


@hookspec
def tlx_datasets(register: Register) -> None:
    """Brings datasets. Target: a function without arguments that returns a `tlx.Dataset`; called on first use.

    A `tlx.store.Prepared` is one that knows its raw files: it downloads them, and is read from the cache from then on.
    A name that ends in ":" is a prefix: its target is called with what follows, for `lab:left/2` with "left/2", and
    returns a `tlx.Dataset` or a `tlx.store.Prepared`.

    Example:
        @hookimpl
        def tlx_datasets(register):
            register("stripes", "my_plugin.stripes:stripes")
            register("lab:", "my_plugin.lab:load")
    """


@hookspec
def tlx_protocols(register: Register) -> None:
    """Brings protocols: which images, how they are shown, which are scored. Target: a `tlx.Protocol`.

    A task takes one by name, `mnist->usps@P-2000`. Register it under its id.

    Example:
        @hookimpl
        def tlx_protocols(register):
            register("P-64", "my_plugin.protocols:P_64")
    """


@hookspec
def tlx_tasks(register: Register) -> None:
    """Brings tasks: which domains a model learns from, and which one it is scored on. Target: a `tlx.Task`.

    Example:
        @hookimpl
        def tlx_tasks(register):
            register("stripes->dots", "my_plugin.tasks:STRIPES_TO_DOTS")
    """


@hookspec
def tlx_suites(register: Register) -> None:
    """Brings suites for `tlx bench`: tasks x strategies under one recipe. Target: a `tlx.Suite`.

    Example:
        @hookimpl
        def tlx_suites(register):
            register("stripes", "my_plugin.suites:STRIPES")
    """


@hookspec
def tlx_tables(register: Register) -> None:
    """Brings published tables for `tlx reproduce`: figures, and what makes them again.

    Target: a `tlx.PaperTable`, which suites run, or a `tlx.ProgramTable`, which a program computes.

    Example:
        @hookimpl
        def tlx_tables(register):
            register("stripes-table-1", "my_plugin.tables:TABLE_1")
    """


@hookspec
def tlx_selectors(register: Register) -> None:
    """Brings selectors: which evaluation of a run is reported. Target: a `tlx.Selector` subclass or instance.

    Example:
        @hookimpl
        def tlx_selectors(register):
            register("lowest-entropy", "my_plugin.entropy:LowestEntropy")
    """


@hookspec
def tlx_scores(register: Register) -> None:
    """Brings transferability scores for `tlx rank`. Target: a `tlx.Transferability` subclass or instance.

    Example:
        @hookimpl
        def tlx_scores(register):
            register("class-spread", "my_plugin.spread:ClassSpread")
    """


@hookspec
def tlx_recipes(register: Register) -> None:
    """Brings recipes: optimizer, learning rates, schedule, batch and budget. Target: a `tlx.Recipe`.

    Example:
        @hookimpl
        def tlx_recipes(register):
            register("adam-short", "my_plugin.recipes:ADAM_SHORT")
    """


@hookspec
def tlx_executors(register: Register) -> None:
    """Brings executors: where the runs of a suite take place. Target: a `tlx.executors.Executor` dataclass.

    Example:
        @hookimpl
        def tlx_executors(register):
            register("far", "my_plugin.far:Far")
    """


@hookspec
def tlx_figures(register: Register) -> None:
    """Brings figures for `tlx report --figure`. Target: a function called as `(figure, view)`.

    It draws on an empty matplotlib figure what a `tlx.report.View` holds, and sets the figure's height.

    Example:
        @hookimpl
        def tlx_figures(register):
            register("times", "my_plugin.times:draw")
    """


@hookspec
def tlx_trackers(register: Register) -> None:
    """Brings trackers for `--track NAME:WHERE`. Target: called with what follows the colon, gives an observer of runs.

    Example:
        @hookimpl
        def tlx_trackers(register):
            register("lines", "my_plugin.lines:Lines")
    """


@hookspec
def tlx_commands(cli: "click.Group") -> None:
    """Adds commands to `tlx`. A name that is taken stays with the command that has it.

    Example:
        @hookimpl
        def tlx_commands(cli):
            @cli.command()
            def hello():
                "Says hello."
                click.echo("hello")
    """


@hookspec
def tlx_run_started(spec: "Spec") -> None:
    """Called before a run. Not called for a run whose result is already there.

    The runs of a sweep are under way together: all start, then their rounds come in turn, then all finish.

    Example:
        @hookimpl
        def tlx_run_started(spec):
            print("started", spec.task, spec.strategy)
    """


@hookspec
def tlx_round_finished(spec: "Spec", progress: "Progress") -> None:
    """Called after each round of a run: `progress` has phase, round, step, and the metrics of each seed.

    Example:
        @hookimpl
        def tlx_round_finished(spec, progress):
            print(spec.strategy, progress.step, "of", progress.steps)
    """


@hookspec
def tlx_run_finished(spec: "Spec", result: "Result") -> None:
    """Called after a run, finished or failed.

    Example:
        @hookimpl
        def tlx_run_finished(spec, result):
            print(spec.strategy, result.status)
    """
