"""KL-guided domain adaptation."""

import jax
import jax.numpy as jnp

from tlx import ContractError, State, Strategy, strategy
from tlx.blocks import both_domains
from tlx.layers import MLP
from tlx.ops import mixture_kl


@strategy
class KL(Strategy):
    """Aligns a probabilistic representation by the KL divergence of the domains' minibatch mixtures.

    z = mu(x) + sigma(x) * eps, mu and softplus(sigma) the two halves of a linear layer "encoder" on the features
    loss = cross-entropy(source) + beta * KL(q_T(z) || q_S(z)) + beta_aux * KL(q_S(z) || q_T(z))
    q(z) = the mean over the minibatch of N(z; mu(x_j), sigma(x_j)^2)

    Settings: `beta`, `beta_aux`, 0.1 each as in the authors' code for MNIST and USPS (the paper says 0.3 and 0.1);
    `width` of z, 16 as there for SVHN (0: no encoder, the halves are those of the features, as in the paper, with
    backbone `kl_net_probabilistic`; elsewhere 256: with few rows in a batch or few steps a wide z does not learn,
    since the mixtures of two minibatches overlap only where sigma is large); `samples` of z averaged at prediction.
    One sample in training.

    Reference: Nguyen et al., "KL Guided Domain Adaptation", ICLR 2022.
    """

    paper = "Nguyen et al. 2022"

    beta: float = 0.1
    beta_aux: float = 0.1
    width: int = 16
    samples: int = 20

    def init(self, model, key):
        if not self.width and model.width % 2:
            raise ContractError(f"kl with width 0 halves the backbone's features; got {model.width}, an odd number")
        model_key, encoder_key, head_key = jax.random.split(key, 3)
        whole = model.init(model_key)
        state = State({"features": whole.params["features"]}, {"features": whole.stats["features"]}, {})
        width = self.width or model.width // 2
        if self.width:
            sizes = (model.width, 2 * width)
            state = model.add(state, encoder_key, "encoder", lambda rngs: MLP(sizes, rngs=rngs))
        return model.add(state, head_key, "head", model.classifier(width=width))

    def encode(self, model, state, features):
        """mu and sigma of z given x, [B, width] each."""
        halves = model.apply(state, "encoder", features)[0] if self.width else features
        mean, raw = jnp.split(halves, 2, axis=1)
        return mean, jax.nn.softplus(raw) + 1e-4

    def loss(self, model, state, batch, context):
        source, target, state = both_domains(model, state, batch)
        source_mean, source_std = self.encode(model, state, source)
        target_mean, target_std = self.encode(model, state, target)
        source_key, target_key = jax.random.split(context.key)
        source_z = source_mean + source_std * jax.random.normal(source_key, source_mean.shape)
        target_z = target_mean + target_std * jax.random.normal(target_key, target_mean.shape)
        logits, state = model.classify(state, source_z)
        task = model.task_loss(logits, batch.source.y)
        kl = mixture_kl(target_z, target_mean, target_std, source_mean, source_std)
        reverse = mixture_kl(source_z, source_mean, source_std, target_mean, target_std)
        return task + self.beta * kl + self.beta_aux * reverse, state, {"task": task, "kl": kl, "reverse_kl": reverse}

    def predict(self, model, state, x):
        """log of the mean class probability over `samples` draws of z, from a fixed key."""
        features, _ = model.features(state, x, train=False)
        mean, std = self.encode(model, state, features)
        z = mean[None] + std[None] * jax.random.normal(jax.random.key(0), (self.samples, 1, mean.shape[1]))
        logits = jax.vmap(lambda z: model.classify(state, z, train=False)[0])(z)
        return jax.nn.logsumexp(jax.nn.log_softmax(logits), axis=0) - jnp.log(self.samples)
