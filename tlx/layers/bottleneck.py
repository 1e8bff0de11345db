"""The bottleneck that adaptation papers put between backbone and classifier."""

from typing import Any

from flax import nnx
from jaxtyping import Array, Float


class Bottleneck(nnx.Module):
    """z = ReLU(BN(W f(x) + b)): a backbone f with a narrow normalised layer on top, `width` features wide.

    As in TLLib (Jiang et al. 2022) and SHOT (Liang et al. 2020): the discrepancy or the adversary acts on z.

    TLLib's DAN has no batch norm here, but a dropout of 0.5 after the ReLU; its JAN has both. W starts LeCun-normal and
    b at zero, where PyTorch's, and so TLLib's, are uniform in +-1/sqrt(fan in): W's standard deviation is 1.73 times
    theirs. Before batch norm a relative step under SGD goes with 1/|W|^2, so that W turns a third as fast at first.
    """

    def __init__(self, backbone: Any, width: int, rngs: nnx.Rngs):
        self.width = width
        self.backbone = backbone
        self.fc = nnx.Linear(backbone.width, width, rngs=rngs)
        self.bn = nnx.BatchNorm(width, momentum=0.9, rngs=rngs)

    def __call__(self, x: Any) -> Float[Array, "batch features"]:
        return nnx.relu(self.bn(self.fc(self.backbone(x))))
