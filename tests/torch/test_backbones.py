"""Residual networks against a plain PyTorch transcription, under random weights that go through a file."""

import jax
import numpy as np
import pytest
from safetensors.numpy import save_file

from tlx.engine.model import ModelSpec, Shapes, make_model
from tlx.engine.pretrained import match_weights, pretrained
from tlx.weights import read
from tlx_backbones.resnet import ResNet18, ResNet50

torch = pytest.importorskip("torch")
pytestmark = [pytest.mark.torch, pytest.mark.slow]
nn = torch.nn


class Block(nn.Module):
    """A residual block of convolutions of the given sides; the first 3x3 has the stride."""

    def __init__(self, sizes, sides, stride):
        super().__init__()
        strided = sides.index(3)
        for i, side in enumerate(sides):
            step = stride if i == strided else 1
            conv = nn.Conv2d(sizes[i], sizes[i + 1], side, step, side // 2, bias=False)
            setattr(self, f"conv{i + 1}", conv)
            setattr(self, f"bn{i + 1}", nn.BatchNorm2d(sizes[i + 1]))
        self.layers, self.downsample = len(sides), None
        if stride != 1 or sizes[0] != sizes[-1]:
            conv = nn.Conv2d(sizes[0], sizes[-1], 1, stride, bias=False)
            self.downsample = nn.Sequential(conv, nn.BatchNorm2d(sizes[-1]))

    def forward(self, x):
        y = x
        for i in range(1, self.layers + 1):
            y = getattr(self, f"bn{i}")(getattr(self, f"conv{i}")(y))
            y = torch.relu(y) if i < self.layers else y
        return torch.relu(y + (x if self.downsample is None else self.downsample(x)))


class ResNet(nn.Module):
    """Under torchvision's names."""

    def __init__(self, depths, deep):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64)
        fan_in = 64
        for stage, depth in enumerate(depths):
            size, blocks = 64 * 2**stage, []
            for number in range(depth):
                sizes = (fan_in, size, size, 4 * size) if deep else (fan_in, size, size)
                blocks.append(Block(sizes, (1, 3, 1) if deep else (3, 3), 2 if stage and not number else 1))
                fan_in = sizes[-1]
            setattr(self, f"layer{stage + 1}", nn.Sequential(*blocks))
        self.fc = nn.Linear(fan_in, 1000)

    def forward(self, x):
        x = nn.functional.max_pool2d(torch.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        for stage in range(1, 5):
            x = getattr(self, f"layer{stage}")(x)
        return self.fc(x.mean((2, 3)))


@pytest.mark.parametrize(
    ("ours", "depths", "deep"), [(ResNet18, (2, 2, 2, 2), False), (ResNet50, (3, 4, 6, 3), True)], ids=["18", "50"]
)
def test_resnet(tmp_path, ours, depths, deep):
    torch.manual_seed(0)
    theirs = ResNet(depths, deep).eval()
    for part in theirs.modules():
        if isinstance(part, nn.BatchNorm2d):
            for tensor, low, high in ((part.weight, 0.5, 1.0), (part.bias, -0.2, 0.2), (part.running_mean, -0.2, 0.2)):
                nn.init.uniform_(tensor, low, high)
            nn.init.uniform_(part.running_var, 0.5, 1.5)
    save_file(
        {name: tensor.detach().numpy() for name, tensor in theirs.state_dict().items()}, tmp_path / "x.safetensors"
    )
    spec = ModelSpec(ours, Shapes.of(np.zeros((1, 96, 80, 3), np.uint8)), 1000, 1000)
    weights, report = match_weights(spec, read(tmp_path / "x.safetensors"))
    assert report == ((), (), ())
    model = pretrained(make_model(spec), jax.tree.map(jax.numpy.asarray, weights))
    state = jax.jit(model.init)(jax.random.key(0))
    x = np.random.default_rng(0).normal(size=(2, 96, 80, 3)).astype(np.float32)
    got = jax.jit(lambda x: model.classify(state, model.features(state, x, train=False)[0], train=False)[0])(x)
    with torch.no_grad():
        wanted = theirs(torch.from_numpy(x.transpose(0, 3, 1, 2).copy())).numpy()
    assert np.abs(got - wanted).max() / np.abs(wanted).max() < 1e-4
