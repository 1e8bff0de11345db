"""What the parts of one command line share: the plugin files, `--debug`, and the registry, loaded when first needed."""

import functools
import os
import traceback
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import click

from tlx.errors import SettingError
from tlx.plugins import Registry

if TYPE_CHECKING:
    from tlx.lab import Lab

FOLDER = "runs/{task}"


class Session:
    """One invocation of `tlx`."""

    def __init__(self):
        self.words: Sequence[str] = ()  # of the command line
        self.files: list[str] = []
        self.debug = False
        self._registry: Registry | None = None
        self._commands: dict[str, click.Command] | None = None
        self._shown = 0

    def add(self, files: Iterable[str]) -> None:
        """Plugin files to load, each once."""
        self.files.extend(file for file in files if file not in self.files)

    @property
    def registry(self) -> Registry:
        """The registry, loaded once; what is wrong with plugins goes to stderr, once."""
        if self._registry is None:
            self._registry = Registry.load(self.files)
            if not os.environ.get("TLX_PLUGINS", "all").strip() and not self.files:
                none = "TLX_PLUGINS is empty, so no plugin is loaded; expected names of plugins, or no such variable"
                click.echo(f"Warning: {none}", err=True)
            self.show_problems()
        return self._registry

    def lab(
        self,
        track: Sequence[str] = (),
        embeddings: bool = False,
        executor: str | None = None,
        jobs: int | None = None,
        executor_set: Sequence[str] = (),
        executor_file: str | None = None,
    ) -> "Lab":
        """The session of runs, with the trackers and the executor that the options of a command ask for."""
        registry = self.registry
        from tlx.lab import Lab

        options: Any = [*executor_set, *([f"jobs={jobs}"] if jobs is not None else [])]
        if executor_file is not None:
            from tlx.executors import read_options

            named, options = read_options(executor_file, options)
            executor = executor or named
        # without a word of it no plugin is asked: TLX_PLUGINS may leave out the one that brings them
        place: dict[str, Any] = (
            {"executor": executor or "serial", "executor_set": options} if executor or options else {}
        )
        return Lab(self.files, track=track, embeddings=embeddings, registry=registry, **place)

    def commands(self, taken: Sequence[str]) -> dict[str, click.Command]:
        """The commands that plugins add, by name; the first keeps a name."""
        if self._commands is None:
            self._commands, owner = {}, dict.fromkeys(taken, "tlx")
            for plugin in self.registry.implementing("tlx_commands"):
                group = click.Group()
                self.registry.call("tlx_commands", plugin, cli=group)
                for name, command in group.commands.items():
                    if name in owner:
                        held = f"command '{name}' is already there, by '{owner[name]}', which keeps the name"
                        self.registry.problem(plugin, held)
                    else:
                        own = {param.name for param in command.params}
                        whole: Any = command if "plugin" in own else common(command)
                        self._commands[name], owner[name] = whole, plugin
            self.show_problems()
        return self._commands

    def show_problems(self) -> None:
        """Prints the problems of plugins that are not printed yet, a line each."""
        problems = self._registry.problems if self._registry else []
        for problem in problems[self._shown :]:
            click.echo(f"Warning: {' '.join(str(problem).split())}", err=True)
            self.show_traceback(problem.cause)
        self._shown = len(problems)

    def show_traceback(self, error: BaseException | None) -> None:
        """Prints the traceback of an error, under `--debug`."""
        if self.debug and error:
            click.echo("".join(traceback.format_exception(error)), err=True, nl=False)


def common(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of every command: `--plugin FILE` and `--debug`; they go to the session."""

    def add_files(ctx: click.Context, param: click.Parameter, value: tuple[str, ...]) -> None:
        ctx.ensure_object(Session).add(value)

    def set_debug(ctx: click.Context, param: click.Parameter, value: bool) -> None:
        ctx.ensure_object(Session).debug |= value

    command = click.option("--debug", is_flag=True, expose_value=False, callback=set_debug, is_eager=True,
                           help="Show tracebacks.")(command)  # fmt: skip
    return click.option("--plugin", multiple=True, metavar="FILE", expose_value=False, callback=add_files,
                        is_eager=True, help="A Python file to use as a plugin; repeatable.")(command)  # fmt: skip


def names(ctx: click.Context, param: click.Parameter, value: str | None) -> list[str] | None:
    """The callback of an option that takes names, "a,b"; None where it was not given."""
    found = None if value is None else [name.strip() for name in value.split(",") if name.strip()]
    if found == []:
        raise SettingError(f"{param.opts[0]} is '{value}'; expected one or more names, with commas between")
    return found


def watching(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of what runs: `--keep-embeddings` and `--track`, which `Session.lab` takes."""
    told = "A tracker and where it writes: tensorboard:DIR, wandb:PROJECT, mlflow:URI; repeatable."
    command = click.option("--track", multiple=True, metavar="NAME:WHERE", help=told)(command)
    kept = "Keep features and example images beside each result, for tlx report --format html and --figure embedding."
    return click.option("--keep-embeddings", "embeddings", is_flag=True, help=kept)(command)


def _not_distributed(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if value:
        raise SettingError(
            f"tlx {ctx.info_name} --distributed: only tlx run goes over several processes together. The runs of a "
            "suite are divided between processes: --executor NAME (tlx list executors), or tlx bench --plan and "
            "tlx worker"
        )


def alone(command: Callable[..., Any]) -> Callable[..., Any]:
    """Says what is there in the place of `--distributed`."""
    return click.option("--distributed", is_flag=True, hidden=True, expose_value=False, callback=_not_distributed)(
        command
    )


def executing(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of what runs elsewhere: `--executor`, `--jobs`, and its options; `Session.lab` takes them."""
    command = click.option(
        "--executor-file", metavar="FILE", help="Options of the executor in YAML or TOML, by name; also its own name."
    )(command)
    command = click.option(
        "--executor-set", multiple=True, metavar="KEY=VALUE", help="An option of the executor; repeatable."
    )(command)
    command = click.option("--jobs", type=click.IntRange(1), metavar="N", help="How many runs at once, as of local.")(
        command
    )
    where = "Where runs take place: tlx list executors.  [default: serial]"
    return click.option("--executor", metavar="NAME", help=where)(command)


RECIPE = (  # which seeds run, and by which fields of the recipe
    click.option("--seeds", type=click.IntRange(1), metavar="N", help="Seeds 0 to N-1.  [default: 3, or the suite's]"),
    click.option("--seed", type=click.IntRange(0), multiple=True, metavar="N", help="That seed alone; repeatable."),
    click.option("--steps", type=click.IntRange(1), metavar="N", help="Steps, rather than the recipe's."),
    click.option("--epochs", type=float, metavar="X", help="Steps for X passes over the source's train rows."),
    click.option("--lr", metavar="X", help="The learning rate, rather than the recipe's."),
    click.option("--batch", metavar="N", help="Rows of a batch, rather than the recipe's."),
    click.option("--optimizer", metavar="NAME", help="The optimizer, rather than the recipe's."),
    click.option("--recipe-set", multiple=True, metavar="KEY=VALUE", help="Any other field of the recipe; repeatable."),
)
ONE_STRATEGY = (  # which strategy runs on which task, how, and where its result is written
    click.argument("task"),
    click.argument("strategy"),
    click.option("--backbone", help="A backbone: tlx list backbones.  [default: lenet, for images up to 32 pixels]"),
    *RECIPE,
    click.option(
        "--set", "settings", multiple=True, metavar="KEY=VALUE", help="A setting of the strategy; repeatable."
    ),
    click.option("--recipe", default="default", show_default=True, help="A recipe: tlx list recipes."),
    click.option(
        "--weights", default="", metavar="SOURCE", help="Pretrained weights: a file, a folder, hf:OWNER/NAME."
    ),
    click.option("--out", default=FOLDER, show_default=True, metavar="DIR", help="The results folder."),
)


def one_strategy(command: Callable[..., Any]) -> Callable[..., Any]:
    """The arguments and options that say which strategy runs on which task, how, and where its result is written."""
    return _with(ONE_STRATEGY, command, 3)


def recipe_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Those that say which seeds run, and by which fields of the recipe."""
    return _with(RECIPE, command, None)


def _with(parts: Sequence[Callable[..., Any]], command: Callable[..., Any], default: int | None) -> Callable[..., Any]:
    for part in reversed(parts):
        command = part(command)

    @functools.wraps(command)
    def call(*args, seeds, seed, lr, batch, optimizer, recipe_set, **options):
        if seed and seeds is not None:
            raise SettingError(f"--seeds {seeds} and --seed {seed[0]} both say which seeds run; expected one of them")
        given = {"lr": lr, "batch": batch, "optimizer": optimizer}
        texts = [f"{key}={value}" for key, value in given.items() if value is not None]
        return command(*args, seeds=list(seed) or seeds or default, recipe_set=(*texts, *recipe_set), **options)

    return call


pass_session = click.make_pass_decorator(Session)
