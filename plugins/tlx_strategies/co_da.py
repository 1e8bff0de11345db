"""Co-regularised domain alignment."""

import jax
import jax.numpy as jnp

from tlx import Strategy, strategy
from tlx.blocks import both_domains
from tlx.ops import cross_entropy, dann_ramp, domain_loss, mlp_apply, mlp_init, reverse_gradient


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
        keys = jax.random.split(jax.random.fold_in(key, 1), 4)
        second = model.init(keys[0])
        state = model.with_head(model.init(key), keys[1], "head2")
        params = {"features2": second.params["features"]}
        for name, critic_key in zip(("critic", "critic2"), keys[2:], strict=True):
            params[name] = mlp_init(critic_key, (model.width, *self.hidden, 1), normalised=True)
        return state._replace(
            params={**state.params, **params}, extra={**state.extra, "second": second.extra["features"]}
        )

    def other(self, state):
        """The state with the features of the second network in the place of the first's, and these in the second's."""
        params = {**state.params, "features": state.params["features2"], "features2": state.params["features"]}
        extra = {**state.extra, "features": state.extra["second"], "second": state.extra["features"]}
        return state._replace(params=params, extra=extra)

    def loss(self, model, state, batch, context):
        flow = dann_ramp(context.progress, self.gamma)
        total, means, on_target = jnp.float32(0), [], []
        for head, critic in (("head", "critic"), ("head2", "critic2")):
            source, target, state = both_domains(model, state, batch, "separate")
            logits, state = model.classify(state, source, head)
            total += cross_entropy(logits, batch.source.y)
            logits, state = model.classify(state, target, head)
            on_target.append(jax.nn.softmax(logits))
            judged = mlp_apply(state.params[critic], reverse_gradient(jnp.concatenate([source, target]), flow))[:, 0]
            total += self.domain * domain_loss(judged[: len(source)], judged[len(source) :])
            means.append(jnp.stack([source.mean(0), target.mean(0)]))
            state = self.other(state)
        gap = jnp.mean(jnp.sum(jnp.abs(on_target[0] - on_target[1]), 1))
        apart = jnp.minimum(self.nu, jnp.sum((means[0] - means[1]) ** 2))
        return total + self.agree * gap - self.diverse * apart, state, {"gap": gap, "apart": apart}

    def predict(self, model, state, x):
        """The logarithm of the mean of both networks' probabilities."""
        logs = []
        for head in ("head", "head2"):
            features, _ = model.features(state, x, train=False)
            logs.append(jax.nn.log_softmax(model.logits(state, features, head)))
            state = self.other(state)
        return jnp.logaddexp(*logs) - jnp.log(2.0)
