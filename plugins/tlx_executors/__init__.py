"""The executors that come with tlx."""

from tlx import hookimpl


@hookimpl
def tlx_executors(register):
    register("serial", "tlx.executors:Serial", "One group of runs after the other, in this process.")
    register("local", "tlx_executors.local:Local")
