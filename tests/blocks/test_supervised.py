"""What phases that train on labels are shown."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tlx import Context, Strategy, strategy
from tlx.blocks import supervised
from tlx.testing import Probe


@strategy
class Nothing(Strategy):
    """A strategy of which only the model is used."""


class Viewed:
    """A model of some views, each of which gives blank images; `asked` are those that were asked for."""

    def __init__(self, model, *views):
        self.model, self.views, self.asked = model, views, []

    def augment(self, key, x, view="weak"):
        self.asked.append(view)
        return 0 * x

    def __getattr__(self, name):
        return getattr(self.model, name)


@pytest.mark.parametrize(
    ("views", "options", "asked"),
    [
        (("weak", "strong"), {}, []),
        (("weak", "source"), {}, ["source"]),
        (("weak", "labelled"), {}, []),
        (("weak", "source"), {"augment": True}, ["weak"]),
    ],
)
def test_rows_are_shown_under_the_view_of_their_name(views, options, asked):
    """The trap: a recipe without such a view, whose runs are no longer what they were."""
    probe = Probe(Nothing())
    model: Any = Viewed(probe.model, *views)
    [objective] = supervised(model, **options).objectives
    state, context = model.init(jax.random.key(0)), Context(jax.random.key(1), jnp.float32(0))
    source = probe.batch.source
    blank = probe.batch._replace(source=source._replace(x=0 * source.x))
    loss, without = (objective.loss(state, batch, context)[0] for batch in (probe.batch, blank))
    assert model.asked == asked * 2 and bool(np.isclose(loss, without)) == bool(asked)
