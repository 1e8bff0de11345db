"""A plugin from outside: its hooks. Targets are lazy, so `tlx list` imports none of them."""

from tlx import hookimpl


@hookimpl
def tlx_strategies(register):
    register("moments", "tlx_example.moments:Moments")


@hookimpl
def tlx_backbones(register):
    register("tiny", "tlx_example.tiny:Tiny")


@hookimpl
def tlx_datasets(register):
    register("stripes", "tlx_example.stripes:stripes")
    register("waves", "tlx_example.stripes:waves")


@hookimpl
def tlx_tasks(register):
    register("stripes->waves", "tlx_example.stripes:STRIPES_TO_WAVES", "from straight stripes to wavy ones")
