"""The built-in transfer strategies, one a file."""

from tlx import hookimpl


@hookimpl
def tlx_strategies(register):
    """Registers each strategy; its module is imported when it is first used."""
    register("adda", "tlx_strategies.adda:ADDA")
    register("bn_adapt", "tlx_strategies.bn_adapt:BNAdapt")
    register("bnm", "tlx_strategies.bnm:BNM")
    register("cdan", "tlx_strategies.cdan:CDAN")
    register("coral", "tlx_strategies.coral:CORAL")
    register("cotta", "tlx_strategies.cotta:CoTTA")
    register("dann", "tlx_strategies.dann:DANN")
    register("ddc", "tlx_strategies.ddc:DDC")
    register("eata", "tlx_strategies.eata:EATA")
    register("entropy_min", "tlx_strategies.entropy_min:EntropyMin")
    register("feature_extraction", "tlx_strategies.feature_extraction:FeatureExtraction")
    register("fine_tune", "tlx_strategies.fine_tune:FineTune")
    register("im", "tlx_strategies.im:IM")
    register("jan", "tlx_strategies.jan:JAN")
    register("joint", "tlx_strategies.joint:Joint")
    register("kl", "tlx_strategies.kl:KL")
    register("kl_gaussian", "tlx_strategies.kl_gaussian:KLGaussian")
    register("lame", "tlx_strategies.lame:LAME")
    register("mcc", "tlx_strategies.mcc:MCC")
    register("mcd", "tlx_strategies.mcd:MCD")
    register("mean_teacher", "tlx_strategies.mean_teacher:MeanTeacher")
    register("mmd", "tlx_strategies.mmd:MMD")
    register("shot", "tlx_strategies.shot:SHOT")
    register("shot_im", "tlx_strategies.shot_im:SHOTIM")
    register("source_only", "tlx_strategies.source_only:SourceOnly")
    register("target_only", "tlx_strategies.target_only:TargetOnly")
    register("tent", "tlx_strategies.tent:TENT")
