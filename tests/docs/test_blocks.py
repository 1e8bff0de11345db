"""Every block of Python and of commands runs, in a reduced form, or says why it cannot; every command exists."""

import re

import click
import pages
import pytest
from pages import few_steps as few_steps

from tlx.cli import cli

IDS = [str(page.relative_to(pages.ROOT)) for page in pages.PAGES]
RUN = [page for page in pages.PAGES if any(not block.reason for block in pages.blocks(page))]


@pytest.mark.parametrize("page", pages.PAGES, ids=IDS)
def test_blocks_are_python_and_commands_are_known(page):
    """The trap: an option that was renamed, in a block that is not run."""
    fences = re.findall(r"^```(?:python|sh)$", page.read_text(), re.MULTILINE)
    found = pages.blocks(page)
    assert len(found) == len(fences), "a block is not closed, or its reason stands apart from it"
    for block in found:
        if block.language == "python":
            compile(block.code, page.name, "exec")
        for program, *words in block.commands:
            assert program == "tlx" or block.reason, f"'{program}' is run by nothing"
            if program == "tlx":
                parse(words)


def parse(words):
    """Reads a command line as `tlx` would, and looks at no value. Raises click's error of what is wrong."""
    command, context, words = cli, click.Context(cli), list(words)
    while isinstance(command, click.Group):
        below = command.get_command(context, words[0])
        assert below is not None, f"there is no command 'tlx {words[0]}'"
        command, words = below, words[1:]
    command.make_parser(click.Context(command)).parse_args(words)


def test_a_wrong_option_is_seen():
    with pytest.raises(click.NoSuchOption):
        parse(["run", "mnist5k:optdigits", "dann", "--stepps", "3"])


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.usefixtures("few_steps")
@pytest.mark.parametrize("page", RUN, ids=[str(page.relative_to(pages.ROOT)) for page in RUN])
def test_the_blocks_run(page, tmp_path, monkeypatch, tlx_command):
    pages.write_photographs(tmp_path)
    monkeypatch.chdir(tmp_path)
    pages.run(page, tlx_command)
