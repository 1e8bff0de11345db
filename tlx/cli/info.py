"""`tlx info`: versions, devices, and the paths in use."""

import json
import os

import click
import platformdirs

from tlx.cli.session import common


@click.command("info")
@click.option("--json", "as_json", is_flag=True, help="A JSON object.")
@common
def command(as_json: bool) -> None:
    """Says what tlx runs on: versions, devices, kernels, folders.

    A report of a problem is to begin with it.
    """
    from tlx.engine.devices import describe
    from tlx.native import status
    from tlx.runs.environment import environment
    from tlx.store.cache import home

    here = environment(describe())
    facts = {
        **here.versions,
        "commit": here.git or "not a checkout",
        "device": here.device,
        "convolutions on the CPU": str(status()),
        "data": str(home()),
        "compiled programs": os.environ.get("JAX_COMPILATION_CACHE_DIR")
        or str(platformdirs.user_cache_path("tlx") / "xla"),
        "XLA_FLAGS": os.environ.get("XLA_FLAGS", ""),
    }
    if as_json:
        click.echo(json.dumps(facts, indent=2))
        return
    width = max(map(len, facts))
    for name, value in facts.items():
        click.echo(f"{name:{width}}  {value}".rstrip())
