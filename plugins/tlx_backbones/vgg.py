"""VGG: stages of 3x3 convolutions, each ending in a max pool, then two dense layers.

Simonyan & Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition", ICLR 2015. Kernels start as
torchvision's do: convolutions Kaiming-normal by fan out, dense layers normal of std 0.01; biases zero. Batch norm has
PyTorch's momentum 0.1 and epsilon 1e-5.
"""

from collections.abc import Mapping
from typing import ClassVar

import jax.numpy as jnp
import numpy as np
from flax import nnx
from jaxtyping import Array, Float

from tlx import ContractError
from tlx.weights import Names
from tlx_backbones.dense import DenseClassifier
from tlx_backbones.tiny import shrunk
from tlx_backbones.vgg_names import published, published_convolutions

KAIMING = nnx.initializers.variance_scaling(2.0, "fan_out", "normal")
NORMAL = nnx.initializers.normal(0.01)
SIDE = 7  # of the map that the dense layers take: of images of 224 px
A, D, E = (1, 1, 2, 2, 2), (2, 2, 3, 3, 3), (2, 2, 4, 4, 4)  # convolutions of a stage, by the paper's letters


class _Stage(nnx.Module):
    """`depth` times conv 3x3, [batch norm], ReLU; then 2x2 max pool."""

    def __init__(self, fan_in: int, out: int, depth: int, normalised: bool, rngs: nnx.Rngs):
        sizes = (fan_in, *(out for _ in range(depth - 1)))
        self.convs = nnx.List(
            [nnx.Conv(size, out, (3, 3), padding=1, kernel_init=KAIMING, rngs=rngs) for size in sizes]
        )
        self.bns = nnx.List([nnx.BatchNorm(out, momentum=0.9, rngs=rngs) for _ in sizes] if normalised else [])

    def __call__(self, x: Array) -> Array:
        for i, conv in enumerate(self.convs):
            x = conv(x)
            x = nnx.relu(self.bns[i](x) if self.bns else x)
        return nnx.max_pool(x, (2, 2), (2, 2))


class _Trunk(nnx.Module):
    """The five stages of convolutions."""

    depths: ClassVar[tuple[int, ...]]
    widths: ClassVar[tuple[int, ...]] = (64, 128, 256, 512, 512)
    normalised: ClassVar[bool] = False

    def __init__(self, shape: tuple[int, int, int], rngs: nnx.Rngs):
        least = 2 ** len(self.widths)
        if min(shape[:2]) < least:
            name = type(self).__name__
            raise ContractError(f"{name} needs images of at least {least}x{least} pixels; got {shape[0]}x{shape[1]}")
        sizes = zip((shape[2], *self.widths), self.widths, self.depths, strict=False)
        self.stages = nnx.List([_Stage(*size, self.normalised, rngs) for size in sizes])

    def maps(self, x: Array) -> Array:
        for stage in self.stages:
            x = stage(x)
        return x


def adaptive_mean(
    x: Float[Array, "batch height width channels"], side: int
) -> Float[Array, "batch side side channels"]:
    """Means over side x side bins: bin i of n pixels goes from floor(i n / side) to ceil((i + 1) n / side)."""

    def bins(size: int) -> Array:
        i, pixel = np.arange(side)[:, None], np.arange(size)
        within = (pixel >= i * size // side) & (pixel < -(-(i + 1) * size // side))
        return jnp.asarray(within / within.sum(1, keepdims=True), x.dtype)

    if x.shape[1:3] == (side, side):
        return x
    return jnp.einsum("ih,jw,bhwc->bijc", bins(x.shape[1]), bins(x.shape[2]), x)


class _VGG(_Trunk):
    """Features are those before the last dense layer."""

    hidden: ClassVar[int] = 4096

    def __init__(self, shape: tuple[int, int, int], rngs: nnx.Rngs):
        super().__init__(shape, rngs)
        self.width = self.hidden
        self.fc1 = nnx.Linear(SIDE * SIDE * self.widths[-1], self.hidden, kernel_init=NORMAL, rngs=rngs)
        self.fc2 = nnx.Linear(self.hidden, self.hidden, kernel_init=NORMAL, rngs=rngs)
        self.drops = nnx.List([nnx.Dropout(0.5, rngs=rngs) for _ in range(2)])

    def __call__(self, x: Float[Array, "batch height width channels"]) -> Float[Array, "batch features"]:
        x = adaptive_mean(self.maps(x), SIDE)
        x = x.transpose(0, 3, 1, 2).reshape(x.shape[0], -1)  # channels first: the order of the published kernels
        for fc, drop in zip((self.fc1, self.fc2), self.drops, strict=True):
            x = drop(nnx.relu(fc(x)))
        return x

    @classmethod
    def adapt(cls, tensors: Mapping[str, np.ndarray], in_shape: tuple[int, int, int]) -> dict[str, np.ndarray]:
        """timm's first dense layer, a convolution [7, 7, 512, 4096], as the matrix [25088, 4096] that it is."""
        path = "fc1/kernel"
        if path not in tensors or tensors[path].ndim != 4:
            return dict(tensors)
        matrix = tensors[path].transpose(2, 0, 1, 3).reshape(-1, tensors[path].shape[-1])
        return {**tensors, path: matrix}

    @classmethod
    def tiny(cls) -> type:
        """One stage, and narrow dense layers."""
        return shrunk(VGG11, depths=(1,), widths=(4,), hidden=8, normalised=cls.normalised)


class VGG11(_VGG):
    """VGG-11 (A): 5 stages of 1, 1, 2, 2, 2 convolutions, mean to 7x7, fc 4096, fc 4096 with dropout 0.5.

    Groups: "features/stages/0/*" to "features/stages/4/*", "features/fc1/*", "features/fc2/*", "head/*". There is no
    stem: the first stage is it. Images of 32x32 and more.

    Reference: Simonyan & Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition", ICLR 2015.
    """

    depths = A
    weights: ClassVar[Mapping[str, Names]] = published(A)


class VGG11BN(_VGG):
    """VGG-11 with batch norm before every ReLU of the convolutions.

    Groups as `vgg11`.
    """

    depths, normalised = A, True
    weights: ClassVar[Mapping[str, Names]] = published(A, True)


class VGG16(_VGG):
    """VGG-16 (D): 5 stages of 2, 2, 3, 3, 3 convolutions, mean to 7x7, fc 4096, fc 4096 with dropout 0.5.

    Groups as `vgg11`.

    Reference: Simonyan & Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition", ICLR 2015.
    """

    depths = D
    weights: ClassVar[Mapping[str, Names]] = published(D)


class VGG16BN(_VGG):
    """VGG-16 with batch norm before every ReLU of the convolutions.

    Groups as `vgg11`.
    """

    depths, normalised = D, True
    weights: ClassVar[Mapping[str, Names]] = published(D, True)


class VGG19(_VGG):
    """VGG-19 (E): 5 stages of 2, 2, 4, 4, 4 convolutions, mean to 7x7, fc 4096, fc 4096 with dropout 0.5.

    Groups as `vgg11`.

    Reference: Simonyan & Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition", ICLR 2015.
    """

    depths = E
    weights: ClassVar[Mapping[str, Names]] = published(E)


class VGG19BN(_VGG):
    """VGG-19 with batch norm before every ReLU of the convolutions.

    Groups as `vgg11`.
    """

    depths, normalised = E, True
    weights: ClassVar[Mapping[str, Names]] = published(E, True)


class VGG16Flat(_Trunk):
    """The convolutions of VGG-16, flattened (224x224: 25088): what a dense classifier of one's own is put on.

    Groups: "features/stages/0/*" to "features/stages/4/*", "head/*". Flattened row by row, channels last. Published
    weights give the convolutions; their dense layers are left out.
    """

    depths = D
    weights: ClassVar[Mapping[str, Names]] = published_convolutions(D)

    def __init__(self, shape: tuple[int, int, int], rngs: nnx.Rngs):
        super().__init__(shape, rngs)
        scale = 2 ** len(self.widths)
        self.width = (shape[0] // scale) * (shape[1] // scale) * self.widths[-1]

    def __call__(self, x: Float[Array, "batch height width channels"]) -> Float[Array, "batch features"]:
        return self.maps(x).reshape(x.shape[0], -1)

    @classmethod
    def tiny(cls) -> type:
        """Two stages."""
        return shrunk(VGG16Flat, depths=(1, 1), widths=(4, 6))


class VGG16Dense1024(VGG16Flat):
    """`vgg16_flat` with a classifier of two dense layers: 1024, ReLU, classes.

    Groups: as `vgg16_flat`; "head/*" is both layers of the classifier.
    """

    def head(self, width: int, classes: int, rngs: nnx.Rngs) -> nnx.Module:
        """fc 1024, ReLU, fc classes."""
        return DenseClassifier((width, 1024, classes), rngs)


class VGG16BNCifar(_Trunk):
    """VGG-16 with batch norm as CIFAR has it: the convolutions, global mean (512), one dense layer as head.

    Groups: "features/stages/0/*" to "features/stages/4/*", "head/*". For 32x32. Weights of ImageNet give the
    convolutions; their dense layers are left out.
    """

    depths, normalised = D, True
    weights: ClassVar[Mapping[str, Names]] = published_convolutions(D, True)

    def __init__(self, shape: tuple[int, int, int], rngs: nnx.Rngs):
        super().__init__(shape, rngs)
        self.width = self.widths[-1]

    def __call__(self, x: Float[Array, "batch height width channels"]) -> Float[Array, "batch features"]:
        return self.maps(x).mean((1, 2))

    @classmethod
    def tiny(cls) -> type:
        """Two stages."""
        return shrunk(VGG16BNCifar, depths=(1, 1), widths=(4, 6))
