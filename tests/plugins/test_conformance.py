"""Every built-in strategy, backbone and dataset passes the checks that plugin authors run."""

from typing import Any

import pytest

from tlx.plugins import Registry
from tlx.testing import checks_of, parametrize_with_checks

BUILT_IN = ("backbones", "datasets", "strategies")
REGISTRY = Registry.load(environ={"TLX_PLUGINS": ",".join(BUILT_IN)})


def names(kind: str) -> list[str]:
    return [entry.name for entry in REGISTRY.entries(kind)]


def built_in(kind: str) -> list[Any]:
    return [REGISTRY.get(kind, name) for name in names(kind)]


@parametrize_with_checks([*built_in("strategies"), REGISTRY.get("strategies", "cdan+bsp"), *built_in("backbones")])
def test_conformance(subject, check):
    check(subject)


@pytest.mark.data
@pytest.mark.parametrize("name", names("datasets"))
def test_conformance_of_datasets(name):
    subject = REGISTRY.get("datasets", name)
    for check in checks_of(subject):
        check(subject)


def test_none_is_missing():
    """The trap: a plugin that fails to load is left out of the checks without a word."""
    assert REGISTRY.problems == []
    assert names("strategies") == [
        "adabn", "adamatch", "adda", "afn", "atdoc", "bn_adapt", "bnm", "bsp", "bss", "cdan", "cmd", "coral",
        "cotta", "dann", "ddc", "deepjdot", "delta", "dirt_t", "domain_confusion", "eata", "entropy_min",
        "feature_extraction", "fine_tune", "fixmatch", "homm", "im", "jan", "joint", "kl", "kl_gaussian",
        "l2_sp", "lame", "lora", "mcc", "mcd", "mdd", "mean_teacher", "mmd", "mme", "pseudo_label", "shot",
        "shot_im", "source_only", "stochnorm", "swd", "target_only", "tent", "vada", "wdgrl",
    ]  # fmt: skip
    assert names("backbones") == ["cnn", "dtn", "lenet", "lenet_bn", "mlp"]
    assert names("datasets") == ["mnist5k", "mnist5k_m", "optdigits"]
