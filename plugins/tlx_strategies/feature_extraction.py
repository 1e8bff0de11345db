"""Transfer by frozen features."""

from typing import Literal

import jax.numpy as jnp

from tlx import Phase, Strategy, Sweep, static, strategy
from tlx.blocks import pretrained
from tlx.ops import choose_linear, linear_logits


@strategy
class FeatureExtraction(Strategy):
    """Trains on the source, freezes the features, and fits a linear classifier to those of the labelled target.

    loss = cross-entropy(labelled target) + strength / 2 |W|^2, with the features of all labelled rows taken once, in
    eval mode; for the scikit-learn reader, strength = 1 / (C n). Of several `strengths` that one is taken which is best
    on a held-out share of the labelled rows, of each class alike; then all of these are fitted.

    Settings: `pretrain`, the share of the steps on the source, 0 to start from the weights that are given, and without
    a source; `strengths`, fitted in one program; `held`, the held-out share; `solver` "lbfgs" (on all rows at once) or
    "sgd" (momentum 0.9, `batch` rows a step, cosine from `rate`); `iterations` of it.

    Reference: Kornblith et al., "Do Better ImageNet Models Transfer Better?", CVPR 2019.
    """

    setting = "fine-tuning"
    paper = "Kornblith et al. 2019"

    pretrain: float = static(0.5)
    strengths: tuple[float, ...] = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0)
    held: float = static(0.2)
    solver: Literal["lbfgs", "sgd"] = "lbfgs"
    iterations: int = 100
    rate: float = 0.1
    batch: int = 256

    def phases(self, model):
        def begin(state, context):
            probe = {"kernel": jnp.zeros((model.width, model.outputs)), "bias": jnp.zeros(model.outputs)}
            return state.put_params(probe=probe).put(strength=jnp.float32(0))

        def features(state, rows):
            return model.features(state, rows.x, train=False)[0], rows.y

        def fit(state, swept, context):
            z, y = swept["features"]
            probe, strength = choose_linear(
                context.key,
                z,
                y,
                model.outputs,
                self.strengths,
                held=self.held,
                solver=self.solver,
                iterations=self.iterations,
                rate=self.rate,
                batch=self.batch,
            )
            return state.put_params(probe=probe).put(strength=strength)

        sweeps = {"features": Sweep("labelled", features)}
        target = Phase(name="target", share=0.0, sees=frozenset({"labelled"}), sweeps=sweeps, begin=begin, refresh=fit)
        return *pretrained(model, self.pretrain), target

    def predict(self, model, state, x):
        if "probe" not in state.params:  # while it trains on the source
            return super().predict(model, state, x)
        return linear_logits(state.params["probe"], model.features(state, x, train=False)[0])
