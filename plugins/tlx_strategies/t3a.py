"""Test-time template adjuster."""

import jax.numpy as jnp

from tlx import ContractError, Strategy, strategy
from tlx.blocks import online, supervised
from tlx.ops import Supports, entropies, prototypes, with_supports


@strategy
class T3A(Strategy):
    """Test time: classifies by prototypes, which start as the classifier's columns and take in certain rows.

    logit_k = f(x) . c_k, c_k the unit sum of the unit features that stand for class k: w_k / |w_k| at first, then the
    `keep` of least entropy among it and the rows that the source's classifier labelled k so far; no parameter moves

    A batch is taken in before it is predicted, as in the authors' code. Features are normalised by the source's
    statistics, so a batch may be one row.

    Settings: `keep` M, 20 (the paper chooses of 1, 5, 20, 50, 100 and all, by source validation).

    Reference: Iwasawa and Matsuo, "Test-Time Classifier Adjustment Module for Model-Agnostic Domain Generalization",
    NeurIPS 2021.
    """

    setting = "test-time"
    paper = "Iwasawa & Matsuo 2021"

    keep: int = 20

    def phases(self, model):
        def begin(state, context):
            kernel = state.params["head"].get("kernel")
            if getattr(kernel, "shape", None) != (model.width, model.outputs):
                raise ContractError(
                    f"strategy T3A: the classifier has {', '.join(state.params['head'])}; expected one linear layer, "
                    f"with a kernel [{model.width}, {model.outputs}]"
                )
            none = Supports(
                jnp.zeros((model.outputs, self.keep, model.width)), jnp.full((model.outputs, self.keep), jnp.inf)
            )
            doubt = entropies(model.classify(state, kernel.T, train=False)[0])
            return state.put(supports=with_supports(none, kernel.T, jnp.arange(model.outputs), doubt))

        def after(state, batch, context):
            features, _ = model.features(state, batch.target.x, train=False)
            logits, _ = model.classify(state, features, train=False)
            new = with_supports(state.extra["supports"], features, jnp.argmax(logits, 1), entropies(logits))
            return state.put(supports=new)

        return supervised(model, name="source"), online(begin=begin, after=after)

    def predict(self, model, state, x):
        features, _ = model.features(state, x, train=False)
        if "supports" not in state.extra:
            return model.classify(state, features, train=False)[0]
        return features @ prototypes(state.extra["supports"])
