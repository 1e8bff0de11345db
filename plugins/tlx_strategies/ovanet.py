"""One-versus-all networks for universal adaptation."""

import jax
import jax.numpy as jnp

from tlx import Additive, strategy


@strategy
class OVANet(Additive):
    """One binary classifier a class says whether a row is of it; a row that the nearest class refuses is unknown.

    loss = cross-entropy(source) + mean [-log p_y - min_{j != y} log (1 - p_j)] / 2 + weight * mean H(p_j(target)),
    p_j = sigmoid of the logit of class j against all others, H the entropy of a coin in nats

    The hardest other class alone is learned from, as in the paper; its code has the half. Scored by the classifier's
    class k = argmax, and as unknown where p_k < 1/2. p_j is one logit here, the difference of the paper's two.

    Settings: `weight` of the target's entropy, 0.1 in the paper.

    Reference: Saito & Saenko, "OVANet: One-vs-All Network for Universal Domain Adaptation", ICCV 2021.
    """

    paper = "Saito & Saenko 2021"
    spaces = ("open", "universal")

    weight: float = 0.1

    def init(self, model, key):
        model_key, head_key = jax.random.split(key)
        return model.add(model.init(model_key), head_key, "open", model.classifier(outputs=model.known))

    def transfer(self, model, state, outputs, batch, context):
        source, state = model.classify(state, outputs.source, net="open")
        target, state = model.classify(state, outputs.target, net="open")
        mine = jax.nn.one_hot(batch.source.y, model.known, dtype=bool)
        refused = jax.nn.softplus(source)  # -log (1 - p)
        own = jnp.where(mine, jax.nn.softplus(-source), 0).sum(1)
        hardest = jnp.where(mine, -jnp.inf, refused).max(1)
        p = jax.nn.sigmoid(target)
        unsure = jnp.mean(p * jax.nn.softplus(-target) + (1 - p) * jax.nn.softplus(target))
        open_loss = jnp.mean(own + hardest) / 2
        return open_loss + self.weight * unsure, state, {"open": open_loss, "unsure": unsure}

    def scored(self, model, state, features, logits):
        verdicts, _ = model.classify(state, features, net="open", train=False)
        known = jax.nn.log_softmax(logits[:, : model.known])
        nearest = jnp.take_along_axis(verdicts, known.argmax(1)[:, None], axis=1)
        return jnp.concatenate([known, known.max(1, keepdims=True) - nearest], axis=1)
