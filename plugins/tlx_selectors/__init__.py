"""The selectors that come with tlx."""

from tlx import hookimpl


@hookimpl
def tlx_selectors(register):
    """Registers the selectors; each is imported when first used."""
    register("last", "tlx_selectors.last:Last")
    register("source-val", "tlx_selectors.source_val:SourceVal")
    register("iwv", "tlx_selectors.iwv:ImportanceWeighted")
    register("dev", "tlx_selectors.dev:DEV")
    register("entropy", "tlx_selectors.entropy:Entropy")
    register("im", "tlx_selectors.im:InformationMaximisation")
    register("bnm", "tlx_selectors.bnm:BNM")
    register("snd", "tlx_selectors.snd:SND")
    register("cluster", "tlx_selectors.cluster:ClassCluster")
    register("reverse", "tlx_selectors.reverse:ReverseValidation")
    register("mixval", "tlx_selectors.mixval:MixVal")
    register("oracle", "tlx_selectors.oracle:Oracle")
    register("source-val-per-class", "tlx_selectors.per_class:SourceValPerClass")
    register("oracle-per-class", "tlx_selectors.per_class:OraclePerClass")
