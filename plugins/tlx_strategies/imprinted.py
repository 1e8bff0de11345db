"""Imprinted weights: outputs for new classes from few labels."""

import jax
import jax.numpy as jnp

from tlx import Objective, Phase, Strategy, Sweep, strategy
from tlx.blocks import concatenate
from tlx.ops import cross_entropy, unit_columns, unit_rows


@strategy
class Imprinted(Strategy):
    """Few labels of new classes: the classifier grows by the mean of their unit features, and is then fine-tuned.

    1. theta <- argmin cross-entropy(source) over the known classes, of the logits s cos(f, w_k).
    2. w_c = the unit vector along mean f_i / |f_i| over the labelled target rows i of each new class c.
    3. theta <- argmin cross-entropy(source and labelled target rows), each class as often as any other.

    With `tune` 0 the network is as the source left it. s is learnt, and the columns w are unit vectors in the forward
    pass.

    Settings: `tune`, the share of the steps that fine-tunes; `scale`, s at the start.

    Reference: Qi, Brown, Lowe, "Low-Shot Learning with Imprinted Weights", CVPR 2018.
    """

    setting = "semi-supervised"
    paper = "Qi et al. 2018"
    spaces = ("incremental",)

    tune: float = 0.5
    scale: float = 10.0

    def init(self, model, key):
        model_key, own = jax.random.split(key)
        weights = jax.nn.initializers.lecun_normal()(own, (model.width, model.outputs))
        return model.init(model_key).put_params(weights=weights, scale=jnp.float32(self.scale))

    def logits(self, state, features):
        """The scaled cosines of features and the columns of all classes."""
        return state.params["scale"] * (unit_rows(features) @ unit_columns(state.params["weights"]))

    def phases(self, model):
        trained = ("features", "weights", "scale")

        def known(state, batch, context):
            features, state = model.features(state, batch.source.x)
            return cross_entropy(self.logits(state, features)[:, : model.known], batch.source.y), state, {}

        def forward(state, rows):
            return unit_rows(model.features(state, rows.x, train=False)[0]), rows.y

        def imprint(state, swept, context):
            features, y = swept["forward"]
            own = jax.nn.one_hot(y, model.outputs, dtype=features.dtype)
            means = unit_columns(features.T @ own)  # of the sum, which points where the mean does
            new = jnp.arange(model.outputs, dtype=jnp.int32) >= model.known
            return state.put_params(weights=jnp.where(new[None], means, state.params["weights"]))

        def every(state, batch, context):
            rows = (batch.source, batch.labelled)
            features, state = model.features(state, concatenate(*[row.x for row in rows]))
            return cross_entropy(self.logits(state, features), concatenate(*[row.y for row in rows])), state, {}

        source = Phase((Objective(known, trained),), "source", 1 - self.tune, sees=frozenset({"source"}))
        grow = Phase(
            (), "grow", 0, sees=frozenset({"labelled"}), sweeps={"forward": Sweep("labelled", forward)}, refresh=imprint
        )
        tune = Phase(
            (Objective(every, trained),), "tune", self.tune, sees=frozenset({"source", "labelled"}),
            draw={"source": "class", "labelled": "class"},
        )  # fmt: skip
        return source, grow, tune

    def predict(self, model, state, x):
        return self.logits(state, model.features(state, x, train=False)[0])
