"""Backbones with published weights: parameter counts, maps of names, and EfficientNet-Lite0's real logits."""

import math
import os
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
from flax import nnx
from PIL import Image

from tlx.engine.model import ModelSpec, Shapes, make_model
from tlx.engine.pretrained import match_weights, pretrained
from tlx.plugins import Registry
from tlx.weights import read
from tlx_backbones.efficientnet import EfficientNetLite0

BACKBONES = Registry.load(environ={"TLX_PLUGINS": "backbones"})
COUNTS = {  # with a classifier of 1000: torchvision's and timm's lists; EfficientNet's paper rounds to 5.3M
    "resnet18": 11_689_512,
    "resnet34": 21_797_672,
    "resnet50": 25_557_032,
    "resnet101": 44_549_160,
    "efficientnet_b0": 5_288_548,
    "efficientnet_b0_torch": 5_288_548,
    "efficientnet_lite0": 4_652_008,
}


def built(name) -> Any:
    return nnx.eval_shape(lambda: BACKBONES.get("backbones", name)((224, 224, 3), nnx.Rngs(0)))


@pytest.mark.slow
@pytest.mark.parametrize("name", COUNTS)
def test_parameters_are_the_published_number(name):
    module = built(name)
    features = sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(nnx.state(module, nnx.Param)))
    assert features + module.width * 1000 + 1000 == COUNTS[name]


def test_the_stem_for_small_images_is_one_convolution():
    small, large = built("resnet18_cifar"), built("resnet18")
    assert (small.stem.conv.kernel.shape, large.stem.conv.kernel.shape) == ((3, 3, 3, 64), (7, 7, 3, 64))
    assert {path[0] for path, _ in nnx.to_flat_state(nnx.state(large))} == {"stem", "stages"}


# published name: our path. Names as torchvision, timm and the PyTorch ports publish them, one of every kind of layer
NAMES = {
    ("resnet50", "torchvision"): {
        "conv1.weight": "stem/conv/kernel",
        "bn1.running_mean": "stem/bn/mean",
        "layer3.5.conv3.weight": "stages/2/5/conv3/kernel",
        "layer3.5.bn3.running_var": "stages/2/5/bn3/var",
        "layer4.0.downsample.0.weight": "stages/3/0/shortcut/conv/kernel",
        "layer4.0.downsample.1.bias": "stages/3/0/shortcut/bn/bias",
        "layer4.0.bn1.num_batches_tracked": "",
        "fc.weight": "head/kernel",
    },
    ("efficientnet_b0", "timm"): {
        "conv_stem.weight": "stem/conv/kernel",
        "blocks.0.0.conv_dw.weight": "stages/0/0/depthwise/kernel",
        "blocks.0.0.bn2.weight": "stages/0/0/project_bn/scale",
        "blocks.5.3.conv_pw.weight": "stages/5/3/expand/kernel",
        "blocks.5.3.se.conv_reduce.bias": "stages/5/3/excite/reduce/bias",
        "blocks.5.3.bn3.running_var": "stages/5/3/project_bn/var",
        "conv_head.weight": "top/conv/kernel",
        "bn2.weight": "top/bn/scale",
        "classifier.bias": "head/bias",
    },
    ("efficientnet_b0_torch", "torchvision"): {
        "features.0.0.weight": "stem/conv/kernel",
        "features.1.0.block.0.0.weight": "stages/0/0/depthwise/kernel",
        "features.1.0.block.1.fc1.weight": "stages/0/0/excite/reduce/kernel",
        "features.1.0.block.2.1.weight": "stages/0/0/project_bn/scale",
        "features.6.3.block.0.0.weight": "stages/5/3/expand/kernel",
        "features.6.3.block.1.1.running_mean": "stages/5/3/depthwise_bn/mean",
        "features.6.3.block.2.fc2.bias": "stages/5/3/excite/expand/bias",
        "features.6.3.block.3.0.weight": "stages/5/3/project/kernel",
        "features.8.1.bias": "top/bn/bias",
        "classifier.1.weight": "head/kernel",
    },
}


@pytest.mark.parametrize("key", NAMES)
def test_published_names(key):
    name, kind = key
    module = built(name)
    names = type(module).weights[kind]
    assert names.paths(NAMES[key]) == NAMES[key]
    paths = {"/".join(map(str, path)) for path, _ in nnx.to_flat_state(nnx.state(module))}
    assert {path for path in NAMES[key].values() if path and not path.startswith("head")} <= paths


@pytest.mark.slow
@pytest.mark.data
def test_logits_of_efficientnet_lite0_are_those_of_its_pytorch_program():
    """On photographs of ImageNet, one a class, and its real weights; `TLX_TEST_ALL` takes all 200, not 16."""
    given = os.environ.get("TLX_TEST_DATA")
    if not given or not Path(given, "weights").is_dir():
        pytest.skip("TLX_TEST_DATA has no weights")
    expected = np.load(Path(given, "weights/efficientnet_lite0_expected.npz"), allow_pickle=False)
    count = None if os.environ.get("TLX_TEST_ALL") else 16
    files, labels, logits = (expected[key][:count] for key in ("files", "labels", "logits"))
    images = [Image.open(Path(given, "raw/imagenet_sample", file)).convert("RGB") for file in files]
    x = (np.stack([np.asarray(image) for image in images]).astype(np.float32) - 127) / 128
    spec = ModelSpec(EfficientNetLite0, Shapes.of(x), outputs=1000, known=1000)
    weights, report = match_weights(spec, read(Path(given, "weights/efficientnet_lite0.safetensors")))
    assert report == ((), (), ())
    model = pretrained(make_model(spec), jax.tree.map(jax.numpy.asarray, weights))
    state = jax.jit(model.init)(jax.random.key(0))

    @jax.jit
    def predict(x):
        return model.classify(state, model.features(state, x, train=False)[0], train=False)[0]

    got = np.concatenate([predict(part) for part in np.split(x, len(x) // 8)])
    np.testing.assert_allclose(got, logits, atol=1e-3)
    assert (got.argmax(1) == labels).mean() == pytest.approx(0.89 if count is None else 0.8125)
