"""The selectors that come with tlx."""

from tlx import hookimpl


@hookimpl
def tlx_selectors(register):
    register("last", "tlx_selectors.last:Last")
    register("source-val", "tlx_selectors.source_val:SourceVal")
    register("oracle", "tlx_selectors.oracle:Oracle")
