"""Co-regularised domain alignment."""

import jax
import jax.numpy as jnp

from tlx import Strategy, strategy
from tlx.layers import MLP
from tlx.ops import dann_ramp, domain_loss, reverse_gradient

NETWORKS = (("features", "head", "critic"), ("features2", "head2", "critic2"))


@strategy
class CoDA(Strategy):
    """Two networks, each with its domains aligned, that agree on the target and have different features.

    loss = sum_k [cross-entropy(source, k) + domain * domain_loss(D_k(R(g_k(x))))]
    + agree * mean_i |p_1(x_i) - p_2(x_i)|_1 (target) - diverse * min(nu, sum over domains of |mean_i (g_1 - g_2)|^2)
    g_k the features [B, width] of network k, p_k its softmax, R the identity with gradient -lambda(p) as in `dann`

    The paper adds it to VADA, whose entropy and VAT terms are left out here; the domains go through the networks apart,
    as there, and the mean of both networks' probabilities predicts.

    Settings: `domain`, `agree`, `diverse`, `nu`, which the paper searches on labelled target images (these are ours);
    `gamma`, how fast lambda grows; `hidden` layers of D.

    Reference: Kumar et al., "Co-regularized Alignment for Unsupervised Domain Adaptation", NeurIPS 2018.
    """

    paper = "Kumar et al. 2018"

    domain: float = 1.0
    agree: float = 1.0
    diverse: float = 0.01
    nu: float = 10.0
    gamma: float = 10.0
    hidden: tuple[int, ...] = (1024, 1024)

    def init(self, model, key):
        key, *keys = jax.random.split(key, 5)
        state, second = model.init(key), model.init(keys[0])
        state = state.put_params(features2=second.params["features"]).put_stats(features2=second.stats["features"])
        state = model.add(state, keys[1], "head2", model.classifier())
        for name, critic_key in zip(("critic", "critic2"), keys[2:], strict=True):
            sizes = (model.width, *self.hidden, 1)
            state = model.add(state, critic_key, name, lambda rngs, sizes=sizes: MLP(sizes, True, rngs=rngs))
        return state

    def loss(self, model, state, batch, context):
        flow = dann_ramp(context.progress, self.gamma)
        total, means, on_target = jnp.zeros(()), [], []
        for net, head, critic in NETWORKS:
            source, state = model.features(state, batch.source.x, net=net)
            target, state = model.features(state, batch.target.x, net=net)
            logits, state = model.classify(state, source, net=head)
            total += model.task_loss(logits, batch.source.y)
            logits, state = model.classify(state, target, net=head)
            on_target.append(jax.nn.softmax(logits))
            judged, state = model.apply(state, critic, reverse_gradient(jnp.concatenate([source, target]), flow))
            total += self.domain * domain_loss(*jnp.split(judged[:, 0], [len(source)]))
            means.append(jnp.stack([source.mean(0), target.mean(0)]))
        gap = jnp.mean(jnp.sum(jnp.abs(on_target[0] - on_target[1]), 1))
        apart = jnp.minimum(self.nu, jnp.sum((means[0] - means[1]) ** 2))
        return total + self.agree * gap - self.diverse * apart, state, {"gap": gap, "apart": apart}

    def predict(self, model, state, x):
        """The logarithm of the mean of both networks' probabilities."""
        logs = []
        for net, head, _ in NETWORKS:
            features, _ = model.features(state, x, net=net, train=False)
            logs.append(jax.nn.log_softmax(model.classify(state, features, net=head, train=False)[0]))
        return jnp.logaddexp(*logs) - jnp.log(2.0)
