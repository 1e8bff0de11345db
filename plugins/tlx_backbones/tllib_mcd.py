"""The digits networks with the classifiers that TLLib gives maximum classifier discrepancy."""

from flax import nnx

from tlx_backbones.dense import DenseClassifier
from tlx_backbones.dtn import DTN
from tlx_backbones.lenet import LeNetDropout


def classifier(width: int, classes: int, rngs: nnx.Rngs) -> nnx.Module:
    """Dropout 0.5, fc 1024, BN, ReLU, dropout 0.5, fc 1024, BN, ReLU, fc classes.

    Kernels start LeCun-normal and biases at zero; in TLLib PyTorch's uniform, a third of that variance.
    """
    return DenseClassifier((width, 1024, 1024, classes), rngs, normalised=True, dropout=0.5, dropped=2)


class LeNetMCD(LeNetDropout):
    """`lenet_dropout` with a classifier of three dense layers. Use it with a recipe without bottleneck.

    Reference: Saito et al. 2018, as in Jiang et al., "Transferability in Deep Learning: A Survey", 2022 (TLLib).
    """

    def head(self, width: int, classes: int, rngs: nnx.Rngs) -> nnx.Module:
        """See `classifier`."""
        return classifier(width, classes, rngs)


class DTNMCD(DTN):
    """`dtn` with a classifier of three dense layers. Use it with a recipe without bottleneck.

    Reference: as for `LeNetMCD`.
    """

    def head(self, width: int, classes: int, rngs: nnx.Rngs) -> nnx.Module:
        """See `classifier`."""
        return classifier(width, classes, rngs)
