"""Every built-in strategy, backbone and dataset passes the checks that plugin authors run."""

from typing import Any

import pytest

from tlx.data import Prepared
from tlx.data.state import state
from tlx.plugins import Registry
from tlx.testing import checks_of, parametrize_with_checks

BUILT_IN = ("backbones", "datasets", "strategies")
REGISTRY = Registry.load(environ={"TLX_PLUGINS": ",".join(BUILT_IN)})


def names(kind: str) -> list[str]:
    return [entry.name for entry in REGISTRY.entries(kind)]


def built_in(kind: str) -> list[Any]:
    return [REGISTRY.get(kind, name) for name in names(kind)]


@parametrize_with_checks([*built_in("strategies"), *built_in("backbones")])
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
        "adda", "coral", "dann", "feature_extraction", "fine_tune", "joint", "kl", "kl_gaussian", "mcd",
        "mean_teacher", "mmd", "shot", "source_only", "target_only", "tent",
    ]  # fmt: skip
    assert names("backbones") == ["cnn", "dtn", "lenet", "lenet_bn", "mlp"]
    assert {"mnist", "mnist5k", "mnist5k_m", "optdigits", "tfds:"} <= set(names("datasets"))
