"""Of every built-in strategy: what it is shown, and what it may import."""

import ast
from pathlib import Path

import jax
import jax.numpy as jnp
import pytest

import tlx_strategies
from tlx import Strategy, strategy
from tlx.ops import cross_entropies, mmd_quadratic
from tlx.plugins import Registry
from tlx.testing import Probe

REGISTRY = Registry.load(environ={"TLX_PLUGINS": "strategies"})
SETTINGS = {
    "unsupervised": {"source", "target"},
    "source-free": {"source", "target"},
    "test-time": {"source", "target"},
    "semi-supervised": {"source", "target", "labelled"},
    "fine-tuning": {"source", "labelled"},
    "bound": {"labelled"},
}
FILES = sorted(Path(tlx_strategies.__file__).parent.glob("*.py"))
PUBLIC = {"tlx", "tlx.blocks", "tlx.layers", "tlx.ops"}


@pytest.mark.parametrize("name", [entry.name for entry in REGISTRY.entries("strategies")])
def test_no_strategy_sees_more_than_its_setting_allows(name):
    """The trap: target labels in an unsupervised method. The batch of every phase is what its setting is about."""
    kind = REGISTRY.get("strategies", name)
    seen = [phase.sees for phase in Probe(kind()).phases]
    assert frozenset().union(*seen) <= SETTINGS[kind.setting]
    if kind.setting in ("source-free", "test-time"):
        assert seen[-1] == {"target"} and all(shown == {"source"} for shown in seen[:-1])


def test_every_file_is_a_registered_strategy():
    targets = {}
    tlx_strategies.tlx_strategies(lambda name, target, also=(): targets.setdefault(name, target))
    assert targets.keys() == {path.stem for path in FILES} - {"__init__"}
    assert all(target.startswith(f"tlx_strategies.{name}:") for name, target in targets.items())


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_built_in_imports_what_a_third_party_may(path):
    """The trap: a helper of the engine that a plugin cannot rely on."""
    imported = set()
    for node in ast.walk(ast.parse(path.read_text())):
        imported |= {alias.name for alias in node.names} if isinstance(node, ast.Import) else set()
        imported |= {node.module} if isinstance(node, ast.ImportFrom) else set()
    assert {name for name in imported if name.split(".")[0] == "tlx"} <= PUBLIC


@strategy
class PerSource(Strategy):
    """A small multi-source method: the mean over the sources of each one's own loss and distance to the target."""

    weight: float = 1.0

    def loss(self, model, state, batch, context):
        source, state = model.features(state, batch.source.x)
        target, state = model.features(state, batch.target.x)
        logits, state = model.classify(state, source)
        mine = jax.nn.one_hot(batch.source.domain, model.domains)
        counts = jnp.maximum(mine.sum(0), 1)
        means = mine.T @ source / counts[:, None]
        gap = jnp.mean(jnp.sum((means - target.mean(0)[None]) ** 2, 1)) + mmd_quadratic(source, target)
        metrics = {f"rows{number}": mine[:, number].sum() for number in range(model.domains)}
        losses = cross_entropies(logits, batch.source.y)
        return jnp.mean(losses @ mine / counts) + self.weight * gap, state, metrics


def test_two_sources_are_told_apart():
    """The trap: domains numbered by task order are lost when the sources are joined."""
    probe = Probe(PerSource(), domains=2)
    probe.begin()
    _, metrics = probe.value()
    rows = [int((probe.batch.source.domain == number).sum()) for number in range(2)]
    assert [metrics["rows0"], metrics["rows1"]] == rows and min(rows) > 0
