"""The transferability scores that come with tlx, one a file. Higher means more transferable in all of them."""

from tlx import hookimpl


@hookimpl
def tlx_scores(register):
    """Registers the scores; each is imported when first used."""
    register("logme", "tlx_scores.logme:LogME")
    register("leep", "tlx_scores.leep:LEEP")
    register("nce", "tlx_scores.nce:NCE")
    register("h_score", "tlx_scores.h_score:HScore")
    register("transrate", "tlx_scores.transrate:TransRate")
    register("a_distance", "tlx_scores.a_distance:ADistance")
    register("mmd", "tlx_scores.mmd:MMD")
    register("frechet", "tlx_scores.frechet:Frechet")
