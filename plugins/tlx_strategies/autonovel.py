"""New classes by ranking statistics."""

import jax
import jax.numpy as jnp

from tlx import Objective, Phase, Strategy, strategy
from tlx.blocks import concatenate, count, supervised
from tlx.ops import cross_entropy, pair_cross_entropy, same_largest, sigmoid_ramp, squared_consistency


@strategy
class AutoNovel(Strategy):
    """Discovers the target's classes: two rows are of one class where their largest features are the same ones.

    1. theta <- argmin cross-entropy(source).
    2. loss = cross-entropy(h(f_s), y) - mean_ij log(s_ij p_i.p'_j + (1 - s_ij)(1 - p_i.p'_j)) + w(q) (consistency (mean
       (softmax h(f) - softmax h(f'))^2 + mean (p - p')^2) + increment * cross-entropy(h(f_t), K + argmax p_t))

    h is the classifier of all classes, p = softmax of one of the new classes alone, on f and f', two views of the same
    rows of both domains; s_ij = 1 where the `top` largest features of target rows i and j are the same set; w(q) =
    exp(-5 (1 - q / ramp)^2) up to q = ramp. Scored by h, as in the paper's incremental learning; its other figures are
    of p alone. The paper starts from a network that was trained to tell rotations, and then moves its last block
    alone: here all is trained, from the run's weights.

    Settings: `pretrain`, the source's share of the steps; `top` 5; `consistency` 5 and `ramp` 0.25 (CIFAR-10; 50 and
    0.4 on SVHN); `increment` 0.05.

    Reference: Han et al., "Automatically Discovering and Learning New Visual Categories with Ranking Statistics", ICLR
    2020.
    """

    paper = "Han et al. 2020"
    spaces = ("discovery",)

    pretrain: float = 0.5
    top: int = 5
    consistency: float = 5.0
    ramp: float = 0.25
    increment: float = 0.05

    def init(self, model, key):
        model_key, own = jax.random.split(key)
        return model.add(model.init(model_key), own, "new", model.classifier(outputs=model.outputs - model.known))

    def phases(self, model):
        def view(state, key, batch):
            """Of one view of both domains: all classes' logits, the new classes' logits, features."""
            x = model.augment(key, concatenate(batch.source.x, batch.target.x), "weak")
            features, state = model.features(state, x)
            every, state = model.classify(state, features)
            new, state = model.classify(state, features, net="new")
            return every, new, features, state

        def loss(state, batch, context):
            first_key, second_key = jax.random.split(context.key)
            n = count(batch.source.x)
            every, new, features, state = view(state, first_key, batch)
            every_2, new_2, _, state = view(state, second_key, batch)
            task = cross_entropy(every[:n], batch.source.y)
            p, p_2 = jax.nn.softmax(new[n:]), jax.nn.softmax(new_2[n:])
            pairs = pair_cross_entropy(p, p_2, same_largest(features[n:], self.top))
            gap = jnp.mean(squared_consistency(every, every_2)) + jnp.mean(squared_consistency(new, new_2))
            grown = cross_entropy(every[n:], model.known + jnp.argmax(new[n:], 1).astype(batch.source.y.dtype))
            total = (
                task
                + pairs
                + sigmoid_ramp(context.progress, self.ramp) * (self.consistency * gap + self.increment * grown)
            )
            return total, state, {"task": task, "pairs": pairs, "consistency": gap, "grown": grown}

        source = supervised(model, name="source", share=self.pretrain)
        return source, Phase((Objective(loss),), "discover", 1 - self.pretrain)
