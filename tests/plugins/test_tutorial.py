"""Strategies of both READMEs train and predict with every built-in backbone: traced for their shapes, not compiled."""

from pathlib import Path

import jax
import jax.numpy as jnp
import pages
import pytest

from tlx.contract import Labelled, Unlabelled
from tlx.engine.model import ModelSpec, Shapes, make_model
from tlx.errors import TlxError
from tlx.plugins import Registry
from tlx.testing import Probe
from tlx.testing.backbone import SHAPES

BLOCKS = [block for name in ("README.md", "plugins/README.md") for block in pages.blocks(pages.ROOT / name)]
CODE = {Path(block.file).stem: block.code for block in BLOCKS if block.file and "(Strategy):" in block.code}
BACKBONES = Registry.load(environ={"TLX_PLUGINS": "backbones"})


def rows(shape: tuple[int, ...]) -> dict:
    """Six rows of every field."""
    x, numbers = jnp.zeros((24, *shape)), jnp.arange(24, dtype=jnp.int32)
    y, zeros = numbers % 3, jnp.zeros_like(numbers)
    return {
        **dict.fromkeys(("source", "source_val", "labelled"), Labelled(x, y, zeros, numbers)),
        "target": Unlabelled(x, zeros, numbers),
    }


@pytest.fixture(scope="module")
def strategies(tmp_path_factory) -> dict:
    folder = tmp_path_factory.mktemp("tutorial")
    for name, code in CODE.items():
        (folder / f"{name}.py").write_text(code)
    registry = Registry.load([folder / f"{name}.py" for name in CODE], {"TLX_PLUGINS": ""})
    return {name: registry.get("strategies", name) for name in CODE}


def fits(backbone, shape: tuple[int, ...]) -> bool:
    try:
        make_model(ModelSpec(backbone, Shapes.of(jax.ShapeDtypeStruct((2, *shape), "float32")), 3, 3))
    except TlxError:
        return False
    return True


def test_there_are_four():
    assert CODE.keys() == {"mean_gap", "plain", "anchored", "critic"}


@pytest.mark.slow
@pytest.mark.parametrize("name", [entry.name for entry in BACKBONES.entries("backbones")])
def test_each_trains_and_predicts(name, strategies):
    """The trap: a backbone whose classifier, statistics or random keys go another way than the tutorial's."""
    backbone = BACKBONES.get("backbones", name)
    backbone = backbone.tiny() if hasattr(backbone, "tiny") else backbone
    shape, kind = next((shape, kind) for shape, kind in SHAPES.items() if fits(backbone, shape))
    probes = [Probe(strategy(), backbone, rows=rows(shape), kind=kind) for strategy in strategies.values()]

    def use(probe: Probe):
        for number, phase in enumerate(probe.phases):
            probe.begin(number, probe.state if number else None)
            for objective in range(len(phase.objectives)):
                probe.state = probe.seen(objective)
        return probe.state, probe.predict()

    for probe in probes:
        state, logits = jax.eval_shape(lambda probe=probe: use(probe))
        assert logits.shape == (len(probe.batch.source.y), 3) and {"features", "head"} <= state.params.keys()
