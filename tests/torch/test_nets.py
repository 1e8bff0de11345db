"""Networks against plain PyTorch transcriptions under published names: random weights through a file of safetensors.

PyTorch is no dependency: without it, all of this is skipped. Running statistics, scales and biases are random too.
"""

from typing import Any

import jax
import numpy as np
import pytest
from flax import nnx

from tlx.weights import load, read
from tlx_backbones.convnext import ConvNeXtTiny
from tlx_backbones.mobilenet import MobileNetV2
from tlx_backbones.vgg import VGG16
from tlx_backbones.vit import ViTSmall

torch: Any = pytest.importorskip("torch")
pytestmark = pytest.mark.torch
F, tnn = torch.nn.functional, torch.nn
CLASSES = 10


# ---- torchvision's VGG-16


def vgg16():
    layers, fan_in = [], 3
    for out in (64, 64, "M", 128, 128, "M", 256, 256, 256, "M", 512, 512, 512, "M", 512, 512, 512, "M"):
        if out == "M":
            layers.append(tnn.MaxPool2d(2, 2))
        else:
            layers += [tnn.Conv2d(fan_in, out, 3, padding=1), tnn.ReLU()]
            fan_in = out
    dense = (
        tnn.Linear(512 * 7 * 7, 4096),
        tnn.ReLU(),
        tnn.Dropout(),
        tnn.Linear(4096, 4096),
        tnn.ReLU(),
        tnn.Dropout(),
    )
    net = tnn.Module()
    net.features, net.classifier = tnn.Sequential(*layers), tnn.Sequential(*dense, tnn.Linear(4096, CLASSES))
    return net, lambda x: net.classifier(torch.flatten(F.adaptive_avg_pool2d(net.features(x), (7, 7)), 1))


# ---- torchvision's MobileNetV2


def unit(fan_in, out, side, stride=1, groups=1):
    conv = tnn.Conv2d(fan_in, out, side, stride, (side - 1) // 2, groups=groups, bias=False)
    return tnn.Sequential(conv, tnn.BatchNorm2d(out), tnn.ReLU6())


class InvertedResidual(tnn.Module):
    def __init__(self, fan_in, out, stride, expansion):
        super().__init__()
        inner = fan_in * expansion
        self.residual = stride == 1 and fan_in == out
        layers = [unit(fan_in, inner, 1)] if expansion != 1 else []
        layers += [unit(inner, inner, 3, stride, inner), tnn.Conv2d(inner, out, 1, bias=False), tnn.BatchNorm2d(out)]
        self.conv = tnn.Sequential(*layers)

    def forward(self, x):
        return x + self.conv(x) if self.residual else self.conv(x)


def mobilenet_v2():
    layers, fan_in = [unit(3, 32, 3, 2)], 32
    for t, c, n, s in (
        (1, 16, 1, 1),
        (6, 24, 2, 2),
        (6, 32, 3, 2),
        (6, 64, 4, 2),
        (6, 96, 3, 1),
        (6, 160, 3, 2),
        (6, 320, 1, 1),
    ):
        for i in range(n):
            layers.append(InvertedResidual(fan_in, c, 1 if i else s, t))
            fan_in = c
    net = tnn.Module()
    net.features = tnn.Sequential(*layers, unit(320, 1280, 1))
    net.classifier = tnn.Sequential(tnn.Dropout(0.2), tnn.Linear(1280, CLASSES))
    return net, lambda x: net.classifier(net.features(x).mean((2, 3)))


# ---- timm's ConvNeXt-T


class Norm2d(tnn.LayerNorm):
    def forward(self, x):
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class MLP(tnn.Module):
    def __init__(self, width):
        super().__init__()
        self.fc1, self.fc2 = tnn.Linear(width, 4 * width), tnn.Linear(4 * width, width)

    def forward(self, x):
        return self.fc2(F.gelu(self.fc1(x)))


class ConvNeXtBlock(tnn.Module):
    def __init__(self, width):
        super().__init__()
        self.conv_dw = tnn.Conv2d(width, width, 7, padding=3, groups=width)
        self.norm, self.mlp = tnn.LayerNorm(width, eps=1e-6), MLP(width)
        self.gamma = tnn.Parameter(torch.randn(width))

    def forward(self, x):
        y = self.mlp(self.norm(self.conv_dw(x).permute(0, 2, 3, 1)))
        return x + (self.gamma * y).permute(0, 3, 1, 2)


def convnext_tiny():
    net, widths = tnn.Module(), (96, 192, 384, 768)
    net.stem = tnn.Sequential(tnn.Conv2d(3, 96, 4, 4), Norm2d(96, eps=1e-6))
    stages = []
    for i, depth in enumerate((3, 3, 9, 3)):
        stage = tnn.Module()
        if i:
            stage.downsample = tnn.Sequential(
                Norm2d(widths[i - 1], eps=1e-6), tnn.Conv2d(widths[i - 1], widths[i], 2, 2)
            )
        stage.blocks = tnn.Sequential(*(ConvNeXtBlock(widths[i]) for _ in range(depth)))
        stages.append(stage)
    net.stages, net.head = tnn.ModuleList(stages), tnn.Module()
    net.head.norm, net.head.fc = tnn.LayerNorm(768, eps=1e-6), tnn.Linear(768, CLASSES)

    def forward(x):
        x = net.stem(x)
        for stage in net.stages:
            x = stage.blocks(stage.downsample(x) if hasattr(stage, "downsample") else x)
        return net.head.fc(net.head.norm(x.mean((2, 3))))

    return net, forward


# ---- timm's ViT-S/16


class Attention(tnn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads, self.qkv, self.proj = heads, tnn.Linear(width, 3 * width), tnn.Linear(width, width)

    def forward(self, x):
        batch, tokens, width = x.shape
        q, k, v = self.qkv(x).reshape(batch, tokens, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        weights = (q @ k.transpose(-2, -1) * (width // self.heads) ** -0.5).softmax(-1)
        return self.proj((weights @ v).transpose(1, 2).reshape(batch, tokens, width))


class Block(tnn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.norm1, self.norm2 = tnn.LayerNorm(width, eps=1e-6), tnn.LayerNorm(width, eps=1e-6)
        self.attn, self.mlp = Attention(width, heads), MLP(width)

    def forward(self, x):
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


def vit_small():
    net, width = tnn.Module(), 384
    net.cls_token = tnn.Parameter(torch.randn(1, 1, width))
    net.pos_embed = tnn.Parameter(torch.randn(1, 197, width))
    net.patch_embed = tnn.Module()
    net.patch_embed.proj = tnn.Conv2d(3, width, 16, 16)
    net.blocks = tnn.Sequential(*(Block(width, 6) for _ in range(12)))
    net.norm, net.head = tnn.LayerNorm(width, eps=1e-6), tnn.Linear(width, CLASSES)

    def forward(x):
        x = net.patch_embed.proj(x)
        grid, position = x.shape[2:], net.pos_embed
        if grid != (14, 14):
            image = position[:, 1:].reshape(1, 14, 14, width).permute(0, 3, 1, 2)
            image = F.interpolate(image, size=grid, mode="bicubic", antialias=True, align_corners=False)
            position = torch.cat([position[:, :1], image.permute(0, 2, 3, 1).reshape(1, -1, width)], 1)
        x = torch.cat([net.cls_token.expand(x.shape[0], -1, -1), x.flatten(2).transpose(1, 2)], 1) + position
        return net.head(net.norm(net.blocks(x))[:, 0])

    return net, forward


def randomised(net) -> dict[str, np.ndarray]:
    """Its tensors, random all of them, and such that what tells images apart is not lost on the way."""
    with torch.no_grad():
        for part in net.modules():
            if isinstance(part, (tnn.Conv2d, tnn.Linear)):
                tnn.init.kaiming_normal_(part.weight)
                bias: Any = part.bias
                if bias is not None:
                    bias.normal_(0, 0.1)
            if isinstance(part, (tnn.BatchNorm2d, tnn.LayerNorm)):
                part.weight.uniform_(0.5, 1.5)
                part.bias.normal_(0, 0.3)
            if isinstance(part, tnn.BatchNorm2d):
                part.running_mean.normal_(0, 0.3)
                part.running_var.uniform_(0.3, 2)
    return {name: tensor.numpy() for name, tensor in net.eval().state_dict().items()}


@pytest.mark.parametrize(
    ("backbone", "transcription", "kind", "other"),
    [
        (VGG16, vgg16, "torchvision", (96, 64)),
        (MobileNetV2, mobilenet_v2, "torchvision", (97, 64)),
        (ConvNeXtTiny, convnext_tiny, "timm", (98, 64)),
        (ViTSmall, vit_small, "timm", (96, 320)),
    ],
)
def test_logits_are_those_of_the_transcription(backbone, transcription, kind, other, tmp_path):
    safetensors = pytest.importorskip("safetensors.numpy")
    torch.manual_seed(0)
    net, forward = transcription()
    safetensors.save_file(randomised(net), tmp_path / "weights.safetensors")
    tensors = read(tmp_path / "weights.safetensors")
    for sides in ((224, 224), other):
        shape = (sides[0], sides[1], 3)
        module = backbone(shape, nnx.Rngs(0))
        module.head = nnx.Linear(module.width, CLASSES, rngs=nnx.Rngs(0))
        report = load(module, tensors, kind, shape=shape)
        assert report == ((), (), ())
        module.eval()
        graph, state = nnx.split(module)
        random = np.random.default_rng(1)  # two images that differ in colour and contrast, not in noise alone
        x = random.normal(size=(2, *shape)) * [[[[0.3]]], [[[2]]]] + random.normal(size=(2, 1, 1, 3))
        x = x.astype(np.float32)
        ours = jax.jit(lambda state, x, graph=graph: (net := nnx.merge(graph, state)).head(net(x)))(state, x)
        with torch.no_grad():
            theirs = forward(torch.tensor(x.transpose(0, 3, 1, 2))).numpy()
        difference, spread = np.abs(ours - theirs).max(), np.abs(theirs - theirs.mean(0)).max()
        assert difference < 1e-4 * np.abs(theirs).max()
        assert difference < 1e-3 * spread  # nor is it small beside biases only
