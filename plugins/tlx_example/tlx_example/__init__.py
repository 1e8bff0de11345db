"""A plugin from outside: its hooks. Targets are lazy, so `tlx list` imports none of them."""

from tlx import hookimpl


@hookimpl
def tlx_strategies(register):
    """Brings a strategy."""
    register("moments", "tlx_example.moments:Moments")


@hookimpl
def tlx_backbones(register):
    """Brings a backbone."""
    register("tiny", "tlx_example.tiny:Tiny")


@hookimpl
def tlx_datasets(register):
    """Brings two domains."""
    register("stripes", "tlx_example.stripes:stripes")
    register("waves", "tlx_example.stripes:waves")


@hookimpl
def tlx_tasks(register):
    """Brings the shift between them."""
    register("stripes->waves", "tlx_example.stripes:STRIPES_TO_WAVES", "from straight stripes to wavy ones")
