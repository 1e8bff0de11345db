"""DomainBed's network for images of 28x28 pixels."""

from tlx_backbones.kl_net import KLNet


class DomainBedMnist(KLNet):
    """conv 3x3 64, conv 3x3/2 128, conv 3x3 128, conv 3x3 128, each with ReLU, then group norm (8); global mean.

    "MNIST_CNN" of its code, for RotatedMNIST and ColoredMNIST; use it with a recipe without bottleneck. Kernels start
    LeCun-normal, at 1.73 times the standard deviation of PyTorch's uniform.

    Reference: Gulrajani, Lopez-Paz, "In Search of Lost Domain Generalization", ICLR 2021 (its code).
    """

    widths = (64, 128, 128, 128)
