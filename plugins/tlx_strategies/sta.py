"""Separate to adapt."""

import jax
import jax.numpy as jnp
import optax

from tlx import Objective, Phase, Strategy, static, strategy
from tlx.blocks import both_domains
from tlx.layers import MLP
from tlx.ops import cross_entropies, dann_ramp, domain_accuracy, domain_loss, entropies, reverse_gradient


@strategy
class STA(Strategy):
    """Finds which target rows look known, aligns these with the source, and teaches the classifier the rest as unknown.

    "separate": cross-entropy(source) + the cross-entropies of one coin a class, p_k, whether a source row is of it; in
    the second half, + those of the separator B on the target rows of a batch with the largest max_k p_k (known) and
    with the least (unknown), a part `extreme` each. "adapt": cross-entropy(source) + adversarial * domain_loss(D(R(f)),
    target rows weighted by w) + entropy * mean w H(p(target)); in its last fifth, + unknown * cross-entropy to the
    unknown of the part `extreme` with the least w. w = p(known | B), without a gradient; R is that of `dann`

    The authors rank by the sum of p_k in their code, by the largest in the paper. Their second step starts from the
    pretrained network anew; where there is none it goes on from the first. They have a hidden layer for each coin.

    Settings: `adversarial`, `entropy`, `unknown`; `gamma`, how fast R's coefficient grows; `extreme` 1/16; `first`, the
    share of "separate"; `hidden` layers of D; `separator`, of B.

    Reference: Liu et al., "Separate to Adapt: Open Set Domain Adaptation via Progressive Separation", CVPR 2019.
    """

    paper = "Liu et al. 2019"
    spaces = ("open",)

    adversarial: float = 0.3
    entropy: float = 0.1
    unknown: float = 0.3
    gamma: float = 10.0
    extreme: float = static(1 / 16)
    first: float = static(0.32)
    hidden: tuple[int, ...] = (1024, 1024)
    separator: tuple[int, ...] = (256,)

    def init(self, model, key):
        model_key, coins, judge, critic = jax.random.split(key, 4)
        state = model.add(model.init(model_key), coins, "coins", model.classifier(outputs=model.known))
        sizes = (model.width, *self.separator, 1)
        state = model.add(state, judge, "separator", lambda rngs: MLP(sizes, rngs=rngs))
        sizes = (model.width, *self.hidden, 1)
        return model.add(state, critic, "critic", lambda rngs: MLP(sizes, True, rngs=rngs))

    def phases(self, model):
        def count(n):
            return max(1, round(self.extreme * n))

        def separate(state, batch, context):
            source, target, state = both_domains(model, state, batch)
            logits, state = model.classify(state, source)
            task = model.task_loss(logits, batch.source.y)
            coins, state = model.classify(state, source, net="coins")
            mine = jax.nn.one_hot(batch.source.y, model.known)
            binary = jnp.mean(optax.sigmoid_binary_cross_entropy(coins, mine).sum(1))
            likeness = model.classify(state, target, net="coins")[0].max(1)
            known, state = model.apply(state, "separator", target)
            order, k = jnp.argsort(likeness), count(len(target))
            extremes = domain_loss(known[order[-k:], 0], known[order[:k], 0])
            total = task + binary + jnp.where(context.progress > 0.5, 2 * extremes, 0)
            return total, state, {"task": task, "binary": binary, "extremes": extremes}

        def adapt(state, batch, context):
            source, target, state = both_domains(model, state, batch)
            logits, state = model.classify(state, source)
            target_logits, state = model.classify(state, target)
            task = model.task_loss(logits, batch.source.y)
            known, _ = model.apply(state, "separator", jax.lax.stop_gradient(target))
            w = jax.lax.stop_gradient(jax.nn.sigmoid(known[:, 0]))
            flow = dann_ramp(context.progress, self.gamma)
            judged, state = model.apply(state, "critic", reverse_gradient(jnp.concatenate([source, target]), flow))
            on_source, on_target = jnp.split(judged[:, 0], [len(source)])
            domain = domain_loss(on_source, on_target, target_weights=w)
            unsure = jnp.mean(w * entropies(target_logits))
            least = jnp.argsort(w)[: count(len(target))]
            label = jnp.full(len(least), model.outputs - 1)
            rejected = jnp.mean(cross_entropies(target_logits[least], label))
            total = task + self.adversarial * domain + self.entropy * unsure
            total += jnp.where(context.progress > 0.8, self.unknown * rejected, 0)
            metrics = {"task": task, "domain": domain, "domain_accuracy": domain_accuracy(on_source, on_target)}
            return total, state, {**metrics, "known": jnp.mean(w), "rejected": rejected}

        first = Objective(separate, ("features", "head", "coins", "separator"))
        second = Objective(adapt, ("features", "head", "critic"))
        return Phase((first,), "separate", self.first), Phase((second,), "adapt", 1 - self.first)
