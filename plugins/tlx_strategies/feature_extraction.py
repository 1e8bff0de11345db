"""Transfer by frozen features."""

from typing import Literal

import jax.numpy as jnp

from tlx import Phase, Strategy, strategy
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
    needs = "source, labelled"
    paper = "Kornblith et al. 2019"

    pretrain: int | float = 0.5
    strengths: tuple[float, ...] = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0)
    held: int | float = 0.2  # not a leaf: it says how many rows there are
    solver: Literal["lbfgs", "sgd"] = "lbfgs"
    iterations: int = 100
    rate: float = 0.1
    batch: int = 256

    def phases(self, model):
        def begin(state, context):
            probe = {"kernel": jnp.zeros((model.width, model.classes)), "bias": jnp.zeros(model.classes)}
            extra = {**state.extra, "strength": jnp.float32(0)}
            return state._replace(params={**state.params, "probe": probe}, extra=extra)

        def refresh(state, sweep, context):
            z, y = sweep(lambda x, y: (model.features(state, x, train=False)[0], y), "labelled")
            probe, strength = choose_linear(
                context.key,
                z,
                y,
                model.classes,
                self.strengths,
                held=self.held,
                solver=self.solver,
                iterations=self.iterations,
                rate=self.rate,
                batch=self.batch,
            )
            extra = {**state.extra, "strength": strength}
            return state._replace(params={**state.params, "probe": probe}, extra=extra)

        fit = Phase((), name="target", share=0.0, sees=frozenset({"labelled"}), begin=begin, refresh=refresh)
        return *pretrained(model, self.pretrain), fit

    def predict(self, model, state, x):
        if "probe" not in state.params:  # while it trains on the source
            return super().predict(model, state, x)
        return linear_logits(state.params["probe"], model.features(state, x, train=False)[0])
