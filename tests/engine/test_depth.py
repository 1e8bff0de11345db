"""The order of a backbone's layers, and stages that do not fit it."""

import numpy as np
import pytest
from flax import nnx

from tlx import ContractError
from tlx.engine.model import ModelSpec, Shapes, make_model


class Net(nnx.Module):
    def __init__(self, shape, rngs):
        self.width = 4
        self.stem = nnx.Linear(64, 4, rngs=rngs)
        self.blocks = nnx.List([nnx.Linear(4, 4, rngs=rngs) for _ in range(11)])
        self.a_norm = nnx.LayerNorm(4, rngs=rngs)
        self.shift = nnx.Param(rngs.params.normal((4,)))

    def __call__(self, x):
        x = self.stem(x.reshape(len(x), -1))
        for block in self.blocks:
            x = block(x)
        return self.a_norm(x) + self.shift[...]


class Staged(Net):
    depth = ("stem/*", "blocks/?/*|blocks/10/*", "a_norm/*|shift")


def stages(kind, bottleneck=0):
    shapes = Shapes.of(np.zeros((1, 8, 8, 1), np.uint8))
    return make_model(ModelSpec(kind, shapes, 3, 3, bottleneck=bottleneck)).stages


def test_layers_come_in_the_order_in_which_they_are_set():
    """The traps: the order of names; block 10 before block 2."""
    blocks = [f"features/blocks/{number}/*" for number in range(11)]
    assert stages(Net) == ("features/stem/*", *blocks, "features/a_norm/*", "features/shift")


def test_a_backbone_may_name_its_stages_and_a_bottleneck_comes_last():
    own = ("features/stem/*", "features/blocks/?/*|features/blocks/10/*", "features/a_norm/*|features/shift")
    assert stages(Staged) == own
    inside = tuple(stage.replace("features/", "features/backbone/") for stage in own)
    assert stages(Staged, bottleneck=3) == (*inside, "features/fc/*", "features/bn/*")


@pytest.mark.parametrize(
    ("own", "message"),
    [
        (("stem/*", "blocks/*", "shift"), "parameter 'features/a_norm/bias' is in none of its stages features/stem"),
        (
            ("stem/*", "*"),
            "'features/stem/bias' is in the stages features/stem/. and features/.; expected one",
        ),
        (("conv/*", "*"), "stage 'features/conv/.' holds no parameter; it has: .*stem/kernel"),
    ],
)
def test_stages_that_do_not_divide_the_parameters_are_named(own, message):
    with pytest.raises(ContractError, match=message):
        stages(type("Wrong", (Net,), {"depth": own}))
