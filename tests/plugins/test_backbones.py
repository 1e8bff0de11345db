"""The networks of the papers: parameters counted by hand from their layer tables, widths, initial values, refusals."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from tlx import ContractError
from tlx.engine.model import ModelSpec, Shapes, make_model
from tlx.ops.paths import by_path
from tlx.plugins import Registry
from tlx_backbones.cnn1d import CNN1D
from tlx_backbones.wrn import WRN28x2

pytestmark = pytest.mark.slow

BACKBONES = Registry.load(environ={"TLX_PLUGINS": "backbones"})
GREY28, COLOUR28, COLOUR32, ACTIVITY = (28, 28, 1), (28, 28, 3), (32, 32, 3), (128, 9)


def conv(side, fan_in, out):
    return side * side * fan_in * out + out


def fc(fan_in, out):
    return fan_in * out + out


def norm(*sizes):
    return sum(2 * size for size in sizes)


def block(fan_in, out):  # WRN: two norms, two convolutions, a 1x1 shortcut where the number of channels changes
    return norm(fan_in, out) + conv(3, fan_in, out) + conv(3, out, out) + (conv(1, fan_in, out) if fan_in != out else 0)


def three(fan_in, out):  # VADA: three convolutions with norms
    return conv(3, fan_in, out) + 2 * conv(3, out, out) + norm(out, out, out)


# name: image, width, parameters of the features, parameters of the classifier on 10 classes
TABLE = {
    "dann_mnist": (
        COLOUR28,
        7 * 7 * 48,
        conv(5, 3, 32) + conv(5, 32, 48),  # 2432 + 38448
        fc(2352, 100) + fc(100, 100) + fc(100, 10),  # 235300 + 10100 + 1010
    ),
    "dann_svhn": (
        COLOUR32,
        8 * 8 * 128,
        conv(5, 3, 64) + conv(5, 64, 64) + conv(5, 64, 128),  # 4864 + 102464 + 204928
        fc(8192, 3072) + fc(3072, 2048) + fc(2048, 10),  # 25168896 + 6293504 + 20490
    ),
    "mcd_digits": (
        COLOUR32,
        3072,
        conv(5, 3, 64) + conv(5, 64, 64) + conv(5, 64, 128) + norm(64, 64, 128) + fc(8192, 3072) + norm(3072),
        fc(3072, 2048) + norm(2048) + fc(2048, 10),
    ),
    "mcd_usps": (
        GREY28,
        4 * 4 * 48,
        conv(5, 1, 32) + norm(32) + conv(5, 32, 48) + norm(48),  # 832 + 64 + 38448 + 96
        fc(768, 100) + norm(100) + fc(100, 100) + norm(100) + fc(100, 10),  # 76900 + 200 + 10100 + 200 + 1010
    ),
    "lenet_dropout": (
        GREY28,
        500,
        conv(5, 1, 20) + conv(5, 20, 50) + fc(4 * 4 * 50, 500),  # 520 + 25050 + 400500
        fc(500, 10),
    ),
    "lenet_mcd": (
        GREY28,
        500,
        conv(5, 1, 20) + conv(5, 20, 50) + fc(4 * 4 * 50, 500),
        fc(500, 1024) + norm(1024) + fc(1024, 1024) + norm(1024) + fc(1024, 10),
    ),
    "dtn_mcd": (
        COLOUR32,
        512,
        conv(5, 3, 64) + conv(5, 64, 128) + conv(5, 128, 256) + norm(64, 128, 256) + fc(4096, 512) + norm(512),
        fc(512, 1024) + norm(1024) + fc(1024, 1024) + norm(1024) + fc(1024, 10),
    ),
    "shot_lenet": (
        GREY28,
        256,
        conv(5, 1, 20) + conv(5, 20, 50) + fc(4 * 4 * 50, 256) + norm(256),  # 520 + 25050 + 205056 + 512
        256 * 10 + 10 + 10,  # directions, lengths, biases
    ),
    "osbp_lenet": (
        GREY28,
        500,
        conv(5, 1, 20) + conv(5, 20, 50) + norm(20, 50, 500) + fc(4 * 4 * 50, 500),
        fc(500, 10),
    ),
    "shot_dtn": (
        COLOUR32,
        256,
        conv(5, 3, 64) + conv(5, 64, 128) + conv(5, 128, 256) + norm(64, 128, 256) + fc(4096, 256) + norm(256),
        256 * 10 + 10 + 10,
    ),
    "domainbed_mnist": (
        COLOUR28,
        128,
        conv(3, 3, 64) + conv(3, 64, 128) + 2 * conv(3, 128, 128) + norm(64, 128, 128, 128),
        fc(128, 10),
    ),
    "kl_net": (
        GREY28,
        256,
        conv(3, 1, 64) + conv(3, 64, 128) + conv(3, 128, 128) + conv(3, 128, 256) + norm(64, 128, 128, 256),
        fc(256, 10),
    ),
    "kl_net_probabilistic": (
        GREY28,
        512,
        conv(3, 1, 64) + conv(3, 64, 128) + conv(3, 128, 128) + conv(3, 128, 512) + norm(64, 128, 128, 512),
        fc(512, 10),
    ),
    "french_digits": (
        GREY28,
        256,
        conv(5, 1, 32) + conv(3, 32, 64) + conv(3, 64, 64) + norm(32, 64, 64) + fc(4 * 4 * 64, 256),
        fc(256, 10),
    ),
    "wrn_28_2": (  # 1 + 2 * 12 convolutions, 3 shortcuts and the head: 28 layers
        COLOUR32,
        128,
        conv(3, 3, 16)
        + block(16, 32) + 3 * block(32, 32)
        + block(32, 64) + 3 * block(64, 64)
        + block(64, 128) + 3 * block(128, 128)
        + norm(128),
        fc(128, 10),
    ),
    "cnn1d": (
        ACTIVITY,
        128,
        5 * 9 * 64 + 8 * 64 * 128 + 8 * 128 * 128 + norm(64, 128, 128),
        fc(128, 10),
    ),
    "dirt_t_small": (
        COLOUR32,
        8 * 8 * 64,
        three(3, 64) + three(64, 64),
        three(64, 64) + fc(64, 10) + norm(10),
    ),
    "dirt_t_large": (
        COLOUR32,
        8 * 8 * 192,
        three(3, 96) + three(96, 192),
        three(192, 192) + fc(192, 10) + norm(10),
    ),
}  # fmt: skip
TOTALS = {  # the same, added up on paper
    "dann_mnist": 287_290,
    "dann_svhn": 31_795_146,
    "mcd_usps": 127_850,
    "lenet_dropout": 431_080,
    "lenet_mcd": 2_003_040,  # 426070 + 513024 + 2048 + 1049600 + 2048 + 10250
    "shot_lenet": 233_718,
    "french_digits": 321_546,  # 832 + 18496 + 36928 + 320 + 262400 + 2570
    "wrn_28_2": 1_469_642,
    "cnn1d": 201_418,  # 2880 + 65536 + 131072 + 640 + 1290
}


def spec(backbone, shape, **more):
    rows = jax.ShapeDtypeStruct((2, *shape), "float32")
    return ModelSpec(backbone, Shapes.of(rows), outputs=10, known=10, **more)


def model_of(name, shape):
    return make_model(spec(BACKBONES.get("backbones", name), shape))


def count(tree) -> int:
    return sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(tree))


@pytest.mark.parametrize("name", TABLE)
def test_parameters_are_those_of_the_layer_table(name):
    shape, width, features, head = TABLE[name]
    model = model_of(name, shape)
    params = jax.eval_shape(model.init, jax.random.key(0)).params
    assert model.width == width
    assert (count(params["features"]), count(params["head"])) == (features, head)
    assert TOTALS.get(name, features + head) == features + head


class WRN10x2(WRN28x2):
    """One block of a width, where wrn_28_2 has four: a third of its program."""

    repeat = 1


@pytest.mark.parametrize("name", ["dirt_t_small", "dirt_t_large"])
def test_instance_norm_has_no_parameters_and_takes_out_brightness_and_contrast(name):
    plain, normed = model_of(name, COLOUR32), model_of(f"{name}_in", COLOUR32)
    key = jax.random.key(0)
    assert jax.eval_shape(plain.init, key).params == jax.eval_shape(normed.init, key).params
    small = model_of("dirt_t_small_in", (8, 8, 3))
    state, x = jax.jit(small.init)(key), jax.random.normal(jax.random.key(1), (2, 8, 8, 3))
    evaluate = jax.jit(lambda x: small.features(state, x, train=False)[0])
    np.testing.assert_allclose(evaluate(x), evaluate(3 * x + 1), rtol=1e-3, atol=1e-4)


def test_kl_net_normalises_after_the_relu():
    """The trap: the usual order. After group norm features have mean 0 over a group, before it none is negative."""
    model = model_of("kl_net", (8, 8, 1))
    state = jax.jit(model.init)(jax.random.key(0))
    features, _ = jax.jit(model.features)(state, jax.random.normal(jax.random.key(1), (3, 8, 8, 1)))
    np.testing.assert_allclose(features.reshape(3, 8, 32).mean(2), 0, atol=1e-5)
    assert float(features.min()) < 0


def test_mcd_usps_averages_colour():
    model = model_of("mcd_usps", (16, 16, 3))
    state, x = jax.jit(model.init)(jax.random.key(0)), jax.random.normal(jax.random.key(1), (2, 16, 16, 3))
    features = jax.jit(lambda x: model.features(state, x, train=False)[0])
    np.testing.assert_allclose(features(x), features(x[..., ::-1]), rtol=1e-4, atol=1e-5)


def test_shot_starts_as_its_code_does():
    flat = by_path(jax.jit(model_of("shot_lenet", GREY28).init)(jax.random.key(0)).params)
    for layer, fan_in in (("conv1", 25), ("conv2", 25 * 20)):
        for leaf in (flat[f"features/{layer}/kernel"], flat[f"features/{layer}/bias"]):
            largest = float(jnp.abs(leaf).max()) * math.sqrt(fan_in)
            assert 0.8 < largest <= 1.0  # uniform in +-1/sqrt(fan in)
    assert float(flat["features/fc/kernel"].std()) == pytest.approx(math.sqrt(2 / (800 + 256)), rel=0.02)
    np.testing.assert_array_equal(flat["features/fc/bias"], 0)
    np.testing.assert_allclose(flat["head/scale"], jnp.linalg.norm(flat["head/direction"], axis=0), rtol=1e-6)


@pytest.mark.parametrize(
    ("name", "path", "fan_in"),
    [
        ("dtn", "features/convs/1/kernel", 25 * 64),
        ("dtn", "head/kernel", 512),
        ("dtn_mcd", "head/fcs/1/kernel", 1024),
        ("lenet_mcd", "head/fcs/1/kernel", 1024),
    ],
)
def test_tllibs_networks_start_wider_than_there(name, path, fan_in):
    """LeCun-normal, 1 / sqrt(fan in), and zero biases; PyTorch's uniform has a third of the variance, and biases."""
    flat = by_path(jax.jit(model_of(name, COLOUR32).init)(jax.random.key(0)).params)
    uniform = np.random.default_rng(0).uniform(-1, 1, 100_000) / math.sqrt(fan_in)
    spread = float(flat[path].std())
    assert spread == pytest.approx(fan_in**-0.5, rel=0.03)
    assert spread / uniform.std() == pytest.approx(math.sqrt(3), rel=0.03)
    assert not flat[path.replace("kernel", "bias")].any()


def test_wrn_and_dirt_t_start_as_their_codes_do():
    wrn = by_path(jax.jit(make_model(spec(WRN10x2, GREY28)).init)(jax.random.key(0)).params)
    assert float(wrn["features/blocks/2/conv1/kernel"].std()) == pytest.approx(math.sqrt(2 / (9 * 128)), rel=0.02)
    assert float(wrn["features/blocks/2/shortcut/kernel"].std()) == pytest.approx(math.sqrt(2 / 128), rel=0.03)
    dirt_t = by_path(jax.jit(model_of("dirt_t_small", GREY28).init)(jax.random.key(0)).params)
    bound = math.sqrt(6 / (9 * 64 + 9 * 64))
    assert float(jnp.abs(dirt_t["head/convs/convs/0/kernel"]).max()) == pytest.approx(bound, rel=0.01)


@pytest.mark.parametrize(
    ("name", "momentum"),
    [("mcd_usps", 0.9), ("mcd_digits", 0.9), ("shot_dtn", 0.9), ("wrn_28_2", 0.999), ("dirt_t_small", 0.99)],
)
def test_momentum_of_batch_norm(name, momentum):
    module = nnx.eval_shape(lambda: BACKBONES.get("backbones", name)(COLOUR32, nnx.Rngs(0)))
    norms = [part for _, part in nnx.iter_modules(module) if isinstance(part, nnx.BatchNorm)]
    assert norms and {part.momentum for part in norms} == {momentum}


@pytest.mark.parametrize(
    ("name", "shape", "message"),
    [
        ("dann_mnist", (30, 28, 1), "multiples of 4 pixels; got 30x28"),
        ("dirt_t_large", (30, 30, 3), "multiples of 4 pixels; got 30x30"),
        ("mcd_usps", (12, 12, 1), "at least 16x16 pixels; got 12x12"),
        ("osbp_lenet", (12, 28, 1), "at least 16x16 pixels; got 12x28"),
        ("shot_lenet", (12, 28, 1), "at least 16x16 pixels; got 12x28"),
        ("shot_dtn", (28, 28, 3), "multiples of 8 pixels; got 28x28"),
        ("wrn_28_2", (2, 2, 3), "at least 4x4 pixels; got 2x2"),
        ("cnn1d", (28, 28, 1), r"rows have the shape \(time, channels\); got \(28, 28, 1\)"),
    ],
)
def test_images_of_a_wrong_size_are_refused(name, shape, message):
    with pytest.raises(ContractError, match=message):
        model_of(name, shape)


def test_dirt_t_refuses_a_bottleneck():
    with pytest.raises(ContractError, match=r"takes its own features, \(8, 8, 64\) as 4096; got 256"):
        make_model(spec(BACKBONES.get("backbones", "dirt_t_small"), COLOUR32, bottleneck=256))


@pytest.mark.parametrize(("shape", "width"), [((7,), 7), ((5, 3), 15), ((4, 4, 3), 48)])
def test_mlp_and_features_take_rows_of_any_shape(shape, width):
    assert (model_of("features", shape).width, model_of("mlp", shape).width) == (width, 128)
    assert count(jax.eval_shape(model_of("mlp", shape).init, jax.random.key(0)).params["features"]) == fc(width, 128)


def test_cnn1d_is_a_loop_over_time():
    """In evaluation: zeros around, correlation along time, ReLU, the maximum of each two with zeros around, mean."""
    random, module = np.random.default_rng(0), CNN1D.tiny()((21, 3), nnx.Rngs(0))
    for norm in module.bns:
        norm.mean[...], norm.var[...] = random.normal(size=norm.mean.shape), random.uniform(1, 2, norm.var.shape)
    module.eval()
    rows = random.normal(size=(2, 21, 3))
    expected = []
    for x in rows:
        for conv, norm in zip(module.convs, module.bns, strict=True):
            kernel = np.asarray(conv.kernel[...])[:, 0]
            side = len(kernel)
            x = np.pad(x, ((side // 2, side // 2), (0, 0)))
            x = np.stack([np.einsum("tc,tco->o", x[i : i + side], kernel) for i in range(len(x) - side + 1)])
            x = (x - np.asarray(norm.mean[...])) / np.sqrt(np.asarray(norm.var[...]) + 1e-5)
            x = np.pad(np.maximum(x, 0), ((1, 1), (0, 0)))
            x = np.stack([x[i : i + 2].max(0) for i in range(0, len(x) - 1, 2)])
        expected.append(x.mean(0))
    got = nnx.jit(lambda module, x: module(x))(module, np.float32(rows))
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-5)
