"""The executors that come with tlx."""

from tlx import hookimpl


@hookimpl
def tlx_executors(register):
    """Registers the executors; each is imported when first used."""
    register("serial", "tlx.executors:Serial", "One group of runs after the other, in this process.")
    register("local", "tlx_executors.local:Local")
    register("ray", "tlx_executors.ray:Ray")
    register("slurm", "tlx_executors.slurm:Slurm")
