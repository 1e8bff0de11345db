"""The built-in backbones, one family a file."""

from tlx import hookimpl


@hookimpl
def tlx_backbones(register):
    register("mlp", "tlx_backbones.mlp:MLP")
    register("cnn", "tlx_backbones.cnn:CNN")
    register("dtn", "tlx_backbones.dtn:DTN")
    register("lenet", "tlx_backbones.lenet:LeNet")
    register("lenet_bn", "tlx_backbones.lenet:LeNetBN")
    register("dann_mnist", "tlx_backbones.dann:DANNMnist")
    register("dann_svhn", "tlx_backbones.dann:DANNSvhn")
    register("mcd_digits", "tlx_backbones.mcd:MCDDigits")
    register("mcd_usps", "tlx_backbones.mcd:MCDUsps")
    register("shot_lenet", "tlx_backbones.shot:SHOTLeNet")
    register("shot_dtn", "tlx_backbones.shot:SHOTDTN")
    register("french_digits", "tlx_backbones.french:FrenchDigits")
    register("kl_net", "tlx_backbones.kl_net:KLNet")
    register("kl_net_probabilistic", "tlx_backbones.kl_net:KLNetProbabilistic")
    register("wrn_28_2", "tlx_backbones.wrn:WRN28x2")
    register("dirt_t_small", "tlx_backbones.dirt_t:DIRTTSmall")
    register("dirt_t_small_in", "tlx_backbones.dirt_t:DIRTTSmallIN")
    register("dirt_t_large", "tlx_backbones.dirt_t:DIRTTLarge")
    register("dirt_t_large_in", "tlx_backbones.dirt_t:DIRTTLargeIN")
