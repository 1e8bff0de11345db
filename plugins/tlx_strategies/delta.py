"""Fine-tuning held near the pretrained net's features."""

import jax
import jax.numpy as jnp

from tlx import Phase, Strategy, Sweep, static, strategy
from tlx.blocks import count, fine_tuned
from tlx.ops import removal_losses, weighted_distance


@strategy
class DELTA(Strategy):
    """Fine-tunes on the labelled target with its features held near those of the pretrained net, useful ones the most.

    loss = cross-entropy(labelled target) + alpha / 2 mean_i sum_j W_j (f_j(x_i) - f_j^source(x_i))^2
    + beta / 2 |w|^2 (head)
    W = width * softmax_j(how much the pretrained net's loss on the labelled target grows without feature j), or 1

    f are the features before the classifier, or, as in the paper, the maps of several layers, whose terms are summed.
    TLLib sums over i where this is the mean: at one alpha, its behaviour term is this one times the rows of a batch.

    W is measured over all labelled rows before phase 2, with the source's classifier.

    Settings: `pretrain`, the share of the steps on the source; `rate`, the last phase's learning rate as a multiple of
    the first's; `alpha` 0.01 and `beta` 0.01; `attention`, False for W = 1; `layers`, modules of the backbone, whose
    maps are compared in place of the features, with W = 1 (the paper's L2-FE).

    Reference: Li et al., "DELTA: Deep Learning Transfer using Feature Map with Attention for Convolutional Networks",
    ICLR 2019.
    """

    setting = "fine-tuning"
    paper = "Li et al. 2019"

    pretrain: float = static(0.5)
    rate: float = 1.0
    alpha: float = 0.01
    beta: float = 0.01
    attention: bool = True
    layers: tuple[str, ...] = ()

    def phases(self, model):
        weighs = self.attention and not self.layers

        def begin(state, context):
            return model.copy(state, "features", "source_features").put(weights=jnp.ones(model.width))

        def losses(state, rows):
            features, _ = model.features(state, rows.x, train=False)

            def of_a_row(z, y):
                return removal_losses(lambda z: model.classify(state, z, train=False)[0], z[None], y[None])

            return jax.vmap(of_a_row)(features, rows.y)

        def refresh(state, swept, context):
            return state.put(weights=model.width * jax.nn.softmax(swept["losses"].mean(0))) if weighs else state

        def term(state, seen, batch):
            x, how = batch.labelled.x, {"net": "source_features", "train": False}
            if self.layers:
                _, source, _ = model.features(state, x, taps=self.layers, **how)
                behaviour = sum(jnp.sum((seen[name] - then) ** 2) for name, then in source.items()) / count(x)
            else:
                source, _ = model.features(state, x, **how)
                behaviour = jnp.mean((seen["features"] - source) ** 2 @ state.extra["weights"])
            head = weighted_distance(state.params["head"])
            return self.alpha / 2 * behaviour + self.beta / 2 * head, {"behaviour": behaviour}

        *source, target = fine_tuned(model, self.pretrain, self.rate, term=term, taps=self.layers)
        sweeps = {"losses": Sweep("labelled", losses)} if weighs else {}
        weigh = Phase(name="attention", share=0.0, sees=target.sees, sweeps=sweeps, begin=begin, refresh=refresh)
        return *source, weigh, target
