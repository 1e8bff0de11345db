"""The bottleneck that adaptation papers put between backbone and classifier."""

from typing import Any

from flax import nnx
from jaxtyping import Array, Float


class Bottleneck(nnx.Module):
    """z = ReLU(BN(W f(x) + b)): a backbone f with a narrow normalised layer on top, `width` features wide.

    As in TLLib (Jiang et al. 2022) and SHOT (Liang et al. 2020): the discrepancy or the adversary acts on z.
    """

    def __init__(self, backbone: Any, width: int, rngs: nnx.Rngs):
        self.width = width
        self.backbone = backbone
        self.fc = nnx.Linear(backbone.width, width, rngs=rngs)
        self.bn = nnx.BatchNorm(width, momentum=0.9, rngs=rngs)

    def __call__(self, x: Any) -> Float[Array, "batch features"]:
        return nnx.relu(self.bn(self.fc(self.backbone(x))))
