"""Names, layouts and what is left over: every tensor of a file lands where it belongs, or is named."""

from typing import Any, ClassVar

import numpy as np
import pytest
from flax import nnx

from tlx.errors import WeightsError
from tlx.weights import Names, load

NAMES = Names(
    (
        (r"conv1\.weight", "conv/kernel"),
        (r"layer(\d)\.conv\.weight", r"stages/\1/kernel"),
        (r"bn1\.weight", "bn/scale"),
        (r"bn1\.bias", "bn/bias"),
        (r"bn1\.running_(mean|var)", r"bn/\1"),
        (r"fc\.weight", "head/kernel"),
        (r"fc\.bias", "head/bias"),
    ),
    (r".*num_batches_tracked",),
)


class Net(nnx.Module):
    """conv 3x3, a depthwise one, batch norm, mean: small, and of every layout."""

    weights: ClassVar[dict[str, Names]] = {"other": Names((("x", "conv/kernel"),)), "theirs": NAMES}

    def __init__(self, shape, rngs):
        self.width = 4
        self.conv = nnx.Conv(shape[2], 4, (3, 3), use_bias=False, rngs=rngs)
        self.stages = nnx.List([nnx.Conv(4, 4, (3, 3), feature_group_count=4, use_bias=False, rngs=rngs)])
        self.bn = nnx.BatchNorm(4, rngs=rngs)

    def __call__(self, x) -> Any:
        return self.bn(self.stages[0](self.conv(x))).mean((1, 2))


def net(classes=None) -> Any:
    module: Any = Net((8, 8, 3), nnx.Rngs(0))
    if classes:
        module.head = nnx.Linear(4, classes, rngs=nnx.Rngs(1))
    return module


def test_first_rule_that_fits_the_whole_name():
    names = Names((("a", "one"), (r"a(\d)", r"two/\1"), (r"a\d", "three")), ("b.*",))
    assert names.paths(["a", "a7", "a77", "bc", "ab"]) == {"a": "one", "a7": "two/7", "a77": None, "bc": "", "ab": None}


def test_tensors_land_in_our_layout(tensors):
    module = net(classes=3)
    assert load(module, tensors) == ((), (), ())
    np.testing.assert_array_equal(module.conv.kernel[1, 2, 0, 3], tensors["conv1.weight"][3, 0, 1, 2])
    np.testing.assert_array_equal(module.stages[0].kernel[1, 2, 0, 3], tensors["layer0.conv.weight"][3, 0, 1, 2])
    np.testing.assert_array_equal(module.head.kernel[...], tensors["fc.weight"].T)
    for ours, theirs in (("scale", "weight"), ("bias", "bias"), ("mean", "running_mean"), ("var", "running_var")):
        np.testing.assert_array_equal(getattr(module.bn, ours)[...], tensors[f"bn1.{theirs}"])


def test_our_own_paths_are_taken_as_they_are(tensors):
    kernel = np.ones((3, 3, 3, 4), np.float32)
    own = {"conv/kernel": kernel, "stages/0/kernel": np.ones((3, 3, 1, 4), np.float32)}
    own |= {f"bn/{name}": np.full(4, 2, np.float32) for name in ("scale", "bias", "mean", "var")}
    module = net()
    assert load(module, own) == load(module, own, kind="tlx") == ((), (), ())
    np.testing.assert_array_equal(module.conv.kernel[...], kernel)


def test_a_linear_layer_may_be_a_convolution_of_one_pixel():
    class Squeezed(nnx.Module):
        weights = {"theirs": Names((("reduce", "fc/kernel"),))}

        def __init__(self):
            self.fc = nnx.Linear(2, 5, use_bias=False, rngs=nnx.Rngs(0))

    module, given = Squeezed(), np.arange(10, dtype=np.float32).reshape(5, 2, 1, 1)
    load(module, {"reduce": given})
    np.testing.assert_array_equal(module.fc.kernel[...], given[:, :, 0, 0].T)


def test_a_class_resizes_what_it_has_for_other_images(tensors):
    class Doubled(Net):
        @classmethod
        def adapt(cls, tensors, shape):
            return {**tensors, "conv/kernel": tensors["conv/kernel"] * shape[0]}

    module = Doubled((8, 8, 3), nnx.Rngs(0))
    load(module, tensors, shape=(2, 8, 3))
    np.testing.assert_array_equal(module.conv.kernel[1, 2, 0, 3], 2 * tensors["conv1.weight"][3, 0, 1, 2])


def test_a_classifier_of_another_size_stays_and_is_said(tensors):
    module = net(classes=5)
    before = np.asarray(module.head.kernel[...])
    assert load(module, tensors).reinitialised == ("head/bias", "head/kernel")
    np.testing.assert_array_equal(module.head.kernel[...], before)


def test_missing_and_unexpected_tensors_are_listed(tensors):
    del tensors["bn1.bias"]
    tensors["extra"] = np.ones(3, np.float32)
    with pytest.raises(WeightsError, match=r"not those of Net \(6 tensors\): missing 1: bn/bias; unexpected 1: extra"):
        load(net(), tensors)
    assert load(net(), tensors, strict=False) == (("bn/bias",), ("extra",), ())


def test_of_maps_that_all_miss_the_nearest_is_told(tensors):
    del tensors["bn1.bias"]
    with pytest.raises(WeightsError) as told:
        load(net(), tensors)
    assert "conv1.weight" not in str(told.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"width": 8}, r"'conv1.weight' \(conv/kernel\) has shape \(3, 3, 3, 8\) here; Net expects \(3, 3, 3, 4\)"),
        ({"channels": 1}, r"'conv1.weight' \(conv/kernel\) has shape \(3, 3, 1, 4\) here; Net expects"),
    ],
)
def test_another_width_is_named_by_its_tensor(published, change, message):
    with pytest.raises(WeightsError, match=message):
        load(net(), published(**change))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_nan_is_named_by_its_tensor(tensors, value):
    tensors["bn1.running_var"][2] = value
    with pytest.raises(WeightsError, match=r"'bn1.running_var' \(bn/var\) has values that are NaN or infinite"):
        load(net(), tensors)


def test_whole_numbers_are_no_weights(tensors):
    tensors["bn1.bias"] = np.ones(4, np.int64)
    with pytest.raises(WeightsError, match=r"'bn1.bias' \(bn/bias\) is of int64; expected floats"):
        load(net(), tensors)


def test_an_unknown_kind_is_answered_with_those_there_are(tensors):
    with pytest.raises(WeightsError, match="no map of names 'timn'; it has: tlx, other, theirs"):
        load(net(), tensors, kind="timn")
