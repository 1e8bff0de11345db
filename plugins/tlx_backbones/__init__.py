"""The built-in backbones, one family a file."""

from tlx import hookimpl


@hookimpl
def tlx_backbones(register):
    register("mlp", "tlx_backbones.mlp:MLP")
    register("cnn", "tlx_backbones.cnn:CNN")
    register("dtn", "tlx_backbones.dtn:DTN")
    register("lenet", "tlx_backbones.lenet:LeNet")
    register("lenet_bn", "tlx_backbones.lenet:LeNetBN")
