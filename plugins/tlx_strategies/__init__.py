"""The built-in transfer strategies, one a file."""

from tlx import hookimpl


@hookimpl
def tlx_strategies(register):
    """Registers each strategy; its module is imported when it is first used."""
    register("adabn", "tlx_strategies.adabn:AdaBN")
    register("adda", "tlx_strategies.adda:ADDA")
    register("afn", "tlx_strategies.afn:AFN")
    register("atdoc", "tlx_strategies.atdoc:ATDOC")
    register("bnm", "tlx_strategies.bnm:BNM")
    register("bsp", "tlx_strategies.bsp:BSP")
    register("cdan", "tlx_strategies.cdan:CDAN")
    register("cmd", "tlx_strategies.cmd:CMD")
    register("coral", "tlx_strategies.coral:CORAL")
    register("dann", "tlx_strategies.dann:DANN")
    register("ddc", "tlx_strategies.ddc:DDC")
    register("deepjdot", "tlx_strategies.deepjdot:DeepJDOT")
    register("domain_confusion", "tlx_strategies.domain_confusion:DomainConfusion")
    register("entropy_min", "tlx_strategies.entropy_min:EntropyMin")
    register("feature_extraction", "tlx_strategies.feature_extraction:FeatureExtraction")
    register("fine_tune", "tlx_strategies.fine_tune:FineTune")
    register("homm", "tlx_strategies.homm:HoMM")
    register("im", "tlx_strategies.im:IM")
    register("jan", "tlx_strategies.jan:JAN")
    register("joint", "tlx_strategies.joint:Joint")
    register("kl", "tlx_strategies.kl:KL")
    register("kl_gaussian", "tlx_strategies.kl_gaussian:KLGaussian")
    register("mcc", "tlx_strategies.mcc:MCC")
    register("mcd", "tlx_strategies.mcd:MCD")
    register("mdd", "tlx_strategies.mdd:MDD")
    register("mean_teacher", "tlx_strategies.mean_teacher:MeanTeacher")
    register("mmd", "tlx_strategies.mmd:MMD")
    register("pseudo_label", "tlx_strategies.pseudo_label:PseudoLabel")
    register("shot", "tlx_strategies.shot:SHOT")
    register("source_only", "tlx_strategies.source_only:SourceOnly")
    register("swd", "tlx_strategies.swd:SWD")
    register("target_only", "tlx_strategies.target_only:TargetOnly")
    register("tent", "tlx_strategies.tent:TENT")
    register("wdgrl", "tlx_strategies.wdgrl:WDGRL")
