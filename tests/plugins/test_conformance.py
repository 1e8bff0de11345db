"""Every built-in strategy, backbone and dataset passes the checks that plugin authors run."""

from typing import Any

import pytest

from tlx.plugins import Registry
from tlx.store import Prepared
from tlx.store.inventory import state
from tlx.testing import checks_of, parametrize_with_checks

BUILT_IN = ("backbones", "datasets", "strategies")
REGISTRY = Registry.load(environ={"TLX_PLUGINS": ",".join(BUILT_IN)})


def names(kind: str) -> list[str]:
    return [entry.name for entry in REGISTRY.entries(kind)]


def built_in(kind: str) -> list[Any]:
    return [REGISTRY.get(kind, name) for name in names(kind)]


SUBJECTS = [*built_in("strategies"), REGISTRY.get("strategies", "cdan+bsp"), *built_in("backbones")]


FEW = ("SourceOnly", "DANN", "SHOT", "TENT", "LeNet", "DTN", "CNN1D", "ViTTiny")  # one of each kind; the rest is slow


@pytest.mark.parametrize(
    ("subject", "check"),
    [
        param if str(param.id).split("-")[0] in FEW else param._replace(marks=[*param.marks, pytest.mark.slow])
        for param in parametrize_with_checks(SUBJECTS).mark.args[1]
    ],
)
def test_conformance(subject, check):
    check(subject)


@pytest.mark.data
@pytest.mark.parametrize("name", names("datasets"))
def test_conformance_of_datasets(name):
    entry = REGISTRY.entry("datasets", name)
    if entry.is_prefix:
        pytest.skip("stands for many datasets")
    source = entry.source()
    if isinstance(source, Prepared) and state(source).kind == "absent":
        pytest.skip(f"{name} is not on this machine")
    subject = REGISTRY.get("datasets", name)
    for check in checks_of(subject):
        check(subject)


def test_none_is_missing():
    """The trap: a plugin that fails to load is left out of the checks without a word."""
    assert REGISTRY.problems == []
    assert names("strategies") == [
        "active_entropy", "active_margin", "adabn", "adamatch", "adda", "adda_joint", "afn", "ar", "asa", "atdoc",
        "autonovel", "ba3us", "badge", "bbse", "bn_adapt", "bnm", "bsp", "bss", "ccsa", "cdan", "clue", "cmd", "co_da",
        "coral", "cotta", "d_sne", "dage", "dance", "dann", "ddc", "deepjdot", "delta", "dirt_t", "domain_confusion",
        "eata", "entropy_min", "feature_extraction", "fine_tune", "fixmatch", "focal", "from_scratch", "gradual",
        "group_dro", "homm", "im", "imprinted", "irm", "iwan", "iwcdan", "iwdan", "jan", "joint", "joint_norm", "kl",
        "kl_gaussian", "l2_sp", "lame", "ldam", "logit_adjustment", "lora", "m3sda", "max_energy", "max_entropy",
        "max_probability", "mcc", "mcd", "mdan", "mdd", "mean_teacher", "memo", "mfsan", "mlls", "mmd", "mme", "note",
        "onda", "osbp", "ovanet", "pada", "partial_fine_tune", "pseudo_label", "rdumb", "rlls", "rotta", "rs", "rw",
        "sar", "sdann", "shot", "shot_im", "source_only", "sta", "stochnorm", "swd", "t3a", "target_only", "tent",
        "uniot", "uno", "vada", "wdgrl",
    ]  # fmt: skip
    assert names("backbones") == [
        "cnn", "cnn1d", "conv2", "conv2_ccsa", "conv2_d_sne", "conv2_dage", "convnext_tiny", "dann_mnist", "dann_svhn",
        "dirt_t_large", "dirt_t_large_in", "dirt_t_small", "dirt_t_small_in", "domainbed_mnist", "dtn", "dtn_mcd",
        "efficientnet_b0", "efficientnet_b0_torch", "efficientnet_lite0", "features", "french_digits", "kl_net",
        "kl_net_probabilistic",
        "lenet", "lenet_bn", "lenet_dropout", "lenet_mcd", "mcd_digits", "mcd_usps", "mlp", "mobilenet_v2",
        "mobilenet_v2_cifar", "osbp_lenet", "resnet101", "resnet101_cifar", "resnet18", "resnet18_cifar",
        "resnet18_cifar_iabn", "resnet34", "resnet34_cifar", "resnet50", "resnet50_cifar", "shot_dtn", "shot_lenet",
        "vgg11", "vgg11_bn", "vgg16", "vgg16_bn", "vgg16_bn_cifar", "vgg16_dense1024", "vgg16_flat", "vgg19",
        "vgg19_bn", "vit_base_patch16", "vit_small_patch16", "vit_small_patch4", "vit_tiny_patch16", "vit_tiny_patch4",
        "wrn_28_10", "wrn_28_2", "wrn_40_2",
    ]  # fmt: skip
    assert names("datasets") == [
        "chars74k_fnt", "chars74k_img", "cifar10", "cifar100", "cifar10_c:", "cifar10_corrupted:", "colored_mnist:",
        "emnist_digits",
        "fashion_mnist", "features:", "folder:", "font_digits", "hfdisk:", "kmnist", "mnist", "mnist5k",
        "mnist5k_fifth", "mnist5k_m", "mnist5k_m_few", "mnist5k_rest", "mnist_16x16", "mnist_as_filed", "mnist_m",
        "office_caltech10:", "optdigits",
        "rotated_mnist:", "stl10", "svhn_cropped", "syn_digits", "table:", "tfds:", "usps", "usps_28x28",
        "usps_as_filed",
    ]  # fmt: skip
