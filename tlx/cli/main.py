"""The `tlx` group: its commands, those that plugins add, and what the user is told when one fails."""

import logging
import os
import re
import sys
from collections.abc import Sequence
from importlib import import_module

import click

from tlx import __version__
from tlx.cli.session import Session, common
from tlx.errors import TlxError, UnknownName

COMMANDS = (
    "list", "show", "run", "sweep", "bench", "report", "reproduce", "data", "features", "rank", "check", "plugins",
    "info", "new",
)  # fmt: skip


class Commands(click.Group):
    """The commands of tlx, each imported when asked for, and those that plugins add."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*COMMANDS, *ctx.ensure_object(Session).commands(COMMANDS)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in COMMANDS:
            return import_module(f"tlx.cli.{cmd_name}").command
        return ctx.ensure_object(Session).commands(COMMANDS).get(cmd_name)

    def resolve_command(self, ctx: click.Context, args: list[str]):
        if self.get_command(ctx, args[0]) is None:
            raise UnknownName("command", args[0], self.list_commands(ctx))
        return super().resolve_command(ctx, args)


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
            click.echo(self.format(record), err=True)


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
        click.echo(f"Error: {error}", err=True)
    else:
        hint = "" if session.debug else " Run with --debug for the traceback."
        click.echo(f"Error: {type(error).__name__}: {error}.{hint}".replace("..", "."), err=True)


def main(args: Sequence[str] | None = None) -> None:
    """Runs a command line and exits: 0 done, 1 failed, 2 misused, 130 interrupted."""
    session = Session()
    log = logging.getLogger("tlx")
    log.handlers, log.propagate = [Echo(session)], False
    log.setLevel(logging.INFO)
    if sys.stdout is None:
        click.echo("Warning: standard output is closed, so nothing of what is printed can be read", err=True)
    try:
        # The name of a task may begin with an arrow, which click would read as an option.
        given = [re.sub("^->", "→", arg) for arg in (sys.argv[1:] if args is None else args)]
        code = cli.main(given, prog_name="tlx", standalone_mode=False, obj=session)
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except click.Abort:
        click.echo("Interrupted. Everything finished is in place; the same command goes on from there.", err=True)
        code = 130
    except Exception as error:
        _tell(error, session)
        code = 1
    finally:
        session.show_problems()
    sys.exit(code if isinstance(code, int) else 0)
