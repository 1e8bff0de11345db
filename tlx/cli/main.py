"""The `tlx` group: its commands, those that plugins add, and what the user is told when one fails."""

import _thread
import codecs
import logging
import os
import re
import shlex
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from itertools import pairwise

import click

from tlx import __version__
from tlx.cli.session import Session, common
from tlx.errors import TlxError, UnknownName
from tlx.printable import printable_lines

COMMANDS = (
    "list", "show", "run", "predict", "export", "sweep", "bench", "worker", "status", "report", "publish", "reproduce",
    "merge", "data", "features", "rank", "check", "plugins", "info", "new",
)  # fmt: skip

PLAIN = {
    **dict.fromkeys("─━╌", "-"), **dict.fromkeys("│┃", "|"), "→": "->", "±": "+/-", "★": "*", "†": "[t]", "‡": "[o]",
    "▼": "v", "≠": "!=", "τ": "tau", "…": "...",
}  # fmt: skip


class Commands(click.Group):
    """The commands of tlx, each imported when asked for, and those that plugins add."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*COMMANDS, *ctx.ensure_object(Session).commands(COMMANDS)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in COMMANDS:
            return import_module(f"tlx.cli.{cmd_name}").command
        return ctx.ensure_object(Session).commands(COMMANDS).get(cmd_name)

    def resolve_command(self, ctx: click.Context, args: list[str]):
        if args[0] not in COMMANDS:
            ctx.ensure_object(Session).add(plugin_files(args))  # one of these may bring the command
        if self.get_command(ctx, args[0]) is None:
            raise UnknownName("command", args[0], self.list_commands(ctx))
        name, command, rest = super().resolve_command(ctx, args)
        if command is not None:
            refuse_twice(ctx, command, rest)
        return name, command, rest


def plugin_files(args: Sequence[str]) -> list[str]:
    """The files that a command line names by `--plugin`."""
    words = args[: args.index("--")] if "--" in args else args
    after = [value for option, value in pairwise(words) if option == "--plugin"]
    return after + [word.partition("=")[2] for word in words if word.startswith("--plugin=")]


def refuse_twice(parent: click.Context, command: click.Command, args: Sequence[str]) -> None:
    """Raises UsageError where an option of one value is given twice: click would take the last without a word."""
    ctx = command.context_class(command, info_name=command.name, parent=parent, **command.context_settings)
    try:
        _, rest, given = command.make_parser(ctx).parse_args(list(args))
    except click.ClickException:  # the command says so itself
        return
    for param in given:
        single = isinstance(param, click.Option) and not (param.multiple or param.is_flag or param.count)
        if single and given.count(param) > 1:
            raise click.UsageError(f"{param.opts[0]} is given {given.count(param)} times; expected it once.", ctx)
    if isinstance(command, click.Group) and rest and (below := command.get_command(ctx, rest[0])):
        refuse_twice(ctx, below, rest[1:])


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="tlx")
@common
def cli() -> None:
    """Transfer strategies as plugins, scored side by side on the same tasks, seeds and protocols."""


class Echo(logging.Handler):
    """Writes the log lines of tlx to stderr; those of problems of plugins as the session shows them, each once."""

    def __init__(self, session: Session):
        super().__init__()
        self.session = session

    def emit(self, record: logging.LogRecord) -> None:
        if record.name == "tlx.plugins":
            self.session.show_problems()
        else:
            click.echo(printable_lines(self.format(record)), err=True)


def _in_ascii(error: UnicodeError) -> tuple[str, int]:
    """What stands for characters that an output's encoding has not; for any other, its escape."""
    assert isinstance(error, UnicodeEncodeError)
    signs = error.object[error.start : error.end]
    return "".join(PLAIN.get(sign) or sign.encode("unicode_escape").decode() for sign in signs), error.end


def _take_any_text() -> None:
    """Lets standard output take what its encoding has not, rather than end in an error."""
    codecs.register_error("tlx", _in_ascii)
    for stream in (sys.stdout, sys.stderr):
        if getattr(stream, "errors", "") in ("strict", "backslashreplace") and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="tlx")  # pyright: ignore[reportAttributeAccessIssue]


def _lost_output() -> str:
    """Why standard output cannot be written, "" where it can; what it holds is dropped, lest Python's end meet it."""
    if sys.stdout is None:
        return ""
    try:  # to write a line more, as a flush may have failed already and left nothing to write
        sys.stdout.write("\n")
        sys.stdout.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return error.strerror or str(error)
    return ""


def _tell(error: Exception, session: Session) -> None:
    """Says what made a command fail."""
    session.show_traceback(error)
    if isinstance(error, OSError) and (why := _lost_output()):
        click.echo(f"Error: standard output cannot be written: {why}. Expected room on its disk, or --out.", err=True)
    elif isinstance(error, TlxError):
        click.echo(printable_lines(f"Error: {error}"), err=True)
    else:
        hint = "" if session.debug else " Run with --debug for the traceback."
        text = f"Error: {type(error).__name__}: {error}.{hint}".replace("..", ".")
        click.echo(printable_lines(text), err=True)


def main(args: Sequence[str] | None = None) -> None:
    """Runs a command line and exits: 0 done, 1 failed, 2 misused, 130 interrupted, 143 ended by SIGTERM."""
    words = list(sys.argv[1:] if args is None else args)
    terminated: list[int] = []
    try:
        with ending_when_interrupted(terminated):
            code = _run(words)
    except KeyboardInterrupt:
        if args is None:
            signal.signal(signal.SIGINT, signal.SIG_DFL)  # the next one ends the process at once
        what, code = ("Ended by SIGTERM", 143) if terminated else ("Interrupted", 130)
        again = shlex.join(["tlx", *words])
        click.echo(f"\n{what}. Everything finished is in place. To go on: {again}", err=True)
    sys.exit(code)


@contextmanager
def ending_when_interrupted(terminated: list[int]) -> Iterator[None]:
    """Within it SIGTERM ends the command as Ctrl-C does, so claims are released; its number is put into `terminated`.

    A Ctrl-C that Python swallows, as in callbacks of the garbage collector, comes again a moment later.
    """
    told = sys.unraisablehook

    def terminate(number: int, _: object) -> None:
        terminated.append(number)
        raise KeyboardInterrupt

    def hook(unraisable) -> None:
        if isinstance(unraisable.exc_value, KeyboardInterrupt):
            timer = threading.Timer(0.05, _thread.interrupt_main)
            timer.daemon = True
            timer.start()
        else:
            told(unraisable)

    main_thread = threading.current_thread() is threading.main_thread()  # signals are for that one
    before = signal.signal(signal.SIGTERM, terminate) if main_thread else None
    sys.unraisablehook = hook
    try:
        yield
    finally:
        sys.unraisablehook = told
        if main_thread:
            signal.signal(signal.SIGTERM, before or signal.SIG_DFL)


def _run(words: list[str]) -> int:
    """The exit code of a command line. Raises KeyboardInterrupt."""
    session = Session()
    session.words = ["tlx", *words]
    _take_any_text()
    log = logging.getLogger("tlx")
    log.handlers, log.propagate = [Echo(session)], False
    log.setLevel(logging.INFO)
    if sys.stdout is None:
        click.echo("Warning: standard output is closed, so nothing of what is printed can be read", err=True)
    try:
        # The name of a task may begin with an arrow, which click would read as an option.
        given = [re.sub("^->", "→", arg) for arg in words]
        code = cli.main(given, prog_name="tlx", standalone_mode=False, obj=session)
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except click.Abort:  # click's word for it
        raise KeyboardInterrupt from None
    except Exception as error:
        _tell(error, session)
        code = 1
    finally:
        session.show_problems()
    return code if isinstance(code, int) else 0
