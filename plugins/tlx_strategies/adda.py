"""Adversarial discriminative domain adaptation."""

import jax

from tlx import Objective, Phase, Strategy, strategy
from tlx.blocks import supervised
from tlx.layers import MLP
from tlx.ops import domain_accuracy, domain_loss


@strategy
class ADDA(Strategy):
    """Trains on the source, then moves a copy of the encoder until a discriminator takes target for source.

    Phase 2, every step: the critic down domain_loss(D(c(f_S(source))), D(c(f_T(target)))), then the target encoder f_T
    down -log sigmoid(D(c(f_T(target)))) / 2, the inverted labels. f_S and the classifier c are frozen; D sees the
    LOGITS, as in the authors' code.

    Settings: `pretrain`, the share of phase 1; `rate`, phase 2's learning rate as a multiple (0.2 in the paper: 2e-4
    after 1e-3); `hidden` layers of D.

    Reference: Tzeng et al., "Adversarial Discriminative Domain Adaptation", CVPR 2017.
    """

    paper = "Tzeng et al. 2017"

    pretrain: float = 0.5
    rate: float = 0.2
    hidden: tuple[int, ...] = (500, 500)

    def phases(self, model):
        def begin(state, context):
            sizes = (model.outputs, *self.hidden, 1)
            state = model.copy(state, "features", "source_features")
            return model.add(state, context.key, "critic", lambda rngs: MLP(sizes, rngs=rngs))

        def judged(state, features):
            logits, _ = model.classify(state, features, train=False)
            return model.apply(state, "critic", logits)[0][:, 0]

        def discriminate(state, batch, context):
            source, _ = model.features(state, batch.source.x, net="source_features", train=False)
            target, _ = model.features(state, batch.target.x)
            source, target = judged(state, source), judged(state, target)
            return domain_loss(source, target), state, {"domain_accuracy": domain_accuracy(source, target)}

        def confuse(state, batch, context):
            target, state = model.features(state, batch.target.x)
            return jax.nn.softplus(-judged(state, target)).mean() / 2, state, {}

        adversary, encoder = Objective(discriminate, ("critic",)), Objective(confuse, ("features",))
        adapt = Phase((adversary, encoder), name="adapt", share=1 - self.pretrain, rate=self.rate, begin=begin)
        return supervised(model, name="source", share=self.pretrain), adapt
