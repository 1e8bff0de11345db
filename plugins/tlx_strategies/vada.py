"""Virtual adversarial domain adaptation."""

import jax
import jax.numpy as jnp

from tlx import Objective, Phase, Strategy, strategy
from tlx.blocks import follow, teacher_logits, with_teacher
from tlx.layers import MLP
from tlx.ops import cross_entropy, domain_accuracy, domain_loss, entropies, virtual_adversarial_loss


@strategy
class VADA(Strategy):
    """Domain-adversarial training that keeps decision boundaries away from the data, by entropy and by VAT.

    Every step: the critic D down domain_loss; then features and head down
    cross-entropy(source) + domain * domain_loss(labels inverted) + source * VAT(source)
    + target * (mean H(p(target)) + VAT(target))

    The domains go through the net apart, and running statistics follow the target. The moving average of the parameters
    predicts. The authors' instance normalisation of the input is left out: normalise by the dataset.

    Settings: `domain` 0.01, `source` 1, `target` 0.01; `radius` of the perturbation, 3.5; `decay` 0.998 of the average;
    `hidden` layers of D.

    Reference: Shu et al., "A DIRT-T Approach to Unsupervised Domain Adaptation", ICLR 2018.
    """

    paper = "Shu et al. 2018"
    inputs = ("image", "vector", "sequence")

    domain: float = 0.01
    source: float = 1.0
    target: float = 0.01
    radius: float = 3.5
    decay: float = 0.998
    hidden: tuple[int, ...] = (100,)

    def init(self, model, key):
        key, critic_key = jax.random.split(key)
        sizes = model.width, *self.hidden, 1
        state = model.add(model.init(key), critic_key, "critic", lambda rngs: MLP(sizes, rngs=rngs))
        return with_teacher(model, state, debias=True)

    def smooth(self, model, state, x, key):
        """VAT at a state: mean KL(p(x) || p(x + r)), by this batch's statistics."""

        def logits(x):
            features, after = model.features(state, x)
            return model.classify(after, features)[0]

        return virtual_adversarial_loss(logits, x, key, self.radius)

    def clustered(self, model, state, batch, key):
        """mean H + VAT on the target; its features and logits; the state, its statistics moved; and metrics."""
        features, after = model.features(state, batch.target.x)
        logits, after = model.classify(after, features)
        entropy, smooth = jnp.mean(entropies(logits)), self.smooth(model, state, batch.target.x, key)
        return entropy + smooth, (features, logits), after, {"entropy": entropy, "target_vat": smooth}

    def phases(self, model) -> tuple[Phase, ...]:
        def judge(state, *features):
            return [model.apply(state, "critic", each)[0][:, 0] for each in features]

        def discriminate(state, batch, context):
            source, _ = model.features(state, batch.source.x)
            target, _ = model.features(state, batch.target.x)
            source, target = judge(state, source, target)
            return domain_loss(source, target), state, {"domain_accuracy": domain_accuracy(source, target)}

        def adapt(state, batch, context):
            source_key, target_key = jax.random.split(context.key)
            source, seen = model.features(state, batch.source.x)
            task = cross_entropy(model.classify(seen, source)[0], batch.source.y)
            smooth = self.smooth(model, state, batch.source.x, source_key)
            cluster, (target, _), state, metrics = self.clustered(model, state, batch, target_key)
            on_source, on_target = judge(state, source, target)
            confused = domain_loss(on_target, on_source)
            total = task + self.domain * confused + self.source * smooth + self.target * cluster
            return total, state, {"task": task, "source_vat": smooth, **metrics}

        def after(state, batch, context):
            return follow(model, state, self.decay, statistics=True)

        objectives = Objective(discriminate, ("critic",)), Objective(adapt, ("features", "head"))
        return (Phase(objectives, name="vada", after=after),)

    def predict(self, model, state, x):
        return teacher_logits(model, state, x)[0]
