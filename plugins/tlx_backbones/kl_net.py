"""The network of KL-guided domain adaptation for rotated MNIST and digits."""

from typing import ClassVar

from flax import nnx
from jaxtyping import Array, Float

from tlx_backbones.tiny import shrunk


class KLNet(nnx.Module):
    """conv 3x3 64, conv 3x3/2 128, conv 3x3 128, conv 3x3 256, each with ReLU, then group norm (8); global mean.

    The paper's baselines have this one. DomainBed's network for MNIST, with the normalisation after the ReLU. Kernels
    start LeCun-normal.

    Reference: Nguyen et al., "KL Guided Domain Adaptation", ICLR 2022 (its code).
    """

    widths: ClassVar[tuple[int, ...]] = (64, 128, 128, 256)

    def __init__(self, shape: tuple[int, int, int], rngs: nnx.Rngs):
        self.width = self.widths[-1]
        sizes, strides = (shape[2], *self.widths), (1, 2, 1, 1)
        around = ((1, 1), (1, 1))
        self.convs = nnx.List(
            [
                nnx.Conv(a, b, (3, 3), strides=(stride, stride), padding=around, rngs=rngs)
                for a, b, stride in zip(sizes[:-1], sizes[1:], strides, strict=True)
            ]
        )
        self.norms = nnx.List([nnx.GroupNorm(size, 8, epsilon=1e-5, rngs=rngs) for size in sizes[1:]])

    def __call__(self, x: Float[Array, "batch height width channels"]) -> Float[Array, "batch features"]:
        for conv, norm in zip(self.convs, self.norms, strict=True):
            x = norm(nnx.relu(conv(x)))
        return x.mean((1, 2))

    @classmethod
    def tiny(cls) -> type:
        """With narrow convolutions."""
        return shrunk(KLNet, widths=(8, 8, 8, 16))


class KLNetProbabilistic(KLNet):
    """`kl_net` with a last layer twice as wide: the features are mu and the raw sigma of a z of 256, side by side.

    For strategy `kl` with `width` 0, as in the paper.

    Reference: Nguyen et al., "KL Guided Domain Adaptation", ICLR 2022 (its code).
    """

    widths = (64, 128, 128, 512)
