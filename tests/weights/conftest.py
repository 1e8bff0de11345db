"""Published tensors of a net of three layers, and a file of them."""

import numpy as np
import pytest
from safetensors.numpy import save_file


def make(channels=3, classes=3, width=4):
    """As PyTorch lays them out."""
    random = np.random.default_rng(0)
    shapes = {
        "conv1.weight": (width, channels, 3, 3),
        "layer0.conv.weight": (width, 1, 3, 3),
        "bn1.weight": (width,),
        "bn1.bias": (width,),
        "bn1.running_mean": (width,),
        "bn1.running_var": (width,),
        "fc.weight": (classes, width),
        "fc.bias": (classes,),
    }
    tensors = {name: random.uniform(0.5, 1.5, shape).astype(np.float32) for name, shape in shapes.items()}
    return {**tensors, "bn1.num_batches_tracked": np.array([7])}


@pytest.fixture
def published():
    """`published(channels, classes, width)`: the tensors of such a net."""
    return make


@pytest.fixture
def tensors():
    return make()


@pytest.fixture
def file(tmp_path, tensors):
    """The tensors as a .safetensors file."""
    path = tmp_path / "net.safetensors"
    save_file(tensors, path)
    return path
