"""The figures that come with tlx."""

from tlx import hookimpl


@hookimpl
def tlx_figures(register):
    """Registers the figures; each is imported when first used."""
    register("curves", "tlx_figures.curves:draw")
    register("embedding", "tlx_figures.embedding:draw")
    register("critical-difference", "tlx_figures.critical_difference:draw")
    register("confusion", "tlx_figures.confusion:draw")
    register("selectors", "tlx_figures.selectors:draw")
    register("gain", "tlx_figures.gain:draw")
