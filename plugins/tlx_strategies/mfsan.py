"""Multiple feature spaces adaptation network."""

from itertools import combinations

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float

from tlx import Objective, Phase, Strategy, strategy
from tlx.blocks import both_domains
from tlx.ops import classifier_discrepancy, dann_ramp, mmd_quadratic


class FeatureSpace(nnx.Module):
    """Linear, batch norm and ReLU: the layer H_d of a source."""

    def __init__(self, fan_in: int, width: int, rngs: nnx.Rngs):
        self.fc = nnx.Linear(fan_in, width, rngs=rngs)
        self.bn = nnx.BatchNorm(width, momentum=0.9, rngs=rngs)

    def __call__(self, x: Float[Array, "batch in"]) -> Float[Array, "batch out"]:
        return nnx.relu(self.bn(self.fc(x)))


@strategy
class MFSAN(Strategy):
    """A feature space and a classifier of each source, aligned there with the target; the classifiers agree on it.

    loss = mean_d [ cross-entropy(C_d(z_d(source_d))) + w(p) MMD^2(z_d(source_d), z_d(target)) ]
    + w(p) mean_{d < e} mean |softmax(C_d(z_d(target))) - softmax(C_e(z_e(target)))|, z_d = H_d(f(x)),
    w(p) = weight (2 / (1 + exp(-gamma p)) - 1)

    f is shared, H_d and C_d are of source d. The mean of the classifiers' probabilities predicts. A step takes equal
    blocks of every source domain. Batch norm of f sees all domains in one pass ("joint", as `tlx.blocks.both_domains`),
    and H_d its source with the target. The authors' code takes one source with the target at a time, each in passes of
    its own. H_d is one layer here, where the code has three convolutions over the maps of a ResNet. The network's own
    head is not used.

    Settings: `weight` of both terms (1); `gamma`, how fast it grows (10); `width` of H_d (256).

    Reference: Zhu et al., "Aligning Domain-Specific Distribution and Classifier for Cross-Domain Classification from
    Multiple Sources", AAAI 2019.
    """

    paper = "Zhu et al. 2019"

    weight: float = 1.0
    gamma: float = 10.0
    width: int = 256

    def init(self, model, key):
        first, *keys = jax.random.split(key, model.domains + 1)
        state = model.init(first)
        for d, own in enumerate(keys):
            space_key, head_key = jax.random.split(own)
            state = model.add(
                state, space_key, f"space{d}", lambda rngs: FeatureSpace(model.width, self.width, rngs=rngs)
            )
            state = model.add(state, head_key, f"head{d}", model.classifier(width=self.width))
        return state

    def phases(self, model):
        def loss(state, batch, context):
            source, target, state = both_domains(model, state, batch)
            rows = batch.source._replace(x=source).by_domain(model.domains)
            task, gap, on_target = jnp.zeros(()), jnp.zeros(()), []
            for d in range(model.domains):
                both = jnp.concatenate([rows.x[d], target])
                z, state = model.apply(state, f"space{d}", both)
                logits, state = model.classify(state, z, net=f"head{d}")
                n = len(rows.y[d])
                task += model.task_loss(logits[:n], rows.y[d]) / model.domains
                gap += mmd_quadratic(z[:n], z[n:]) / model.domains
                on_target.append(logits[n:])
            pairs = [classifier_discrepancy(one, other) for one, other in combinations(on_target, 2)]
            apart = jnp.stack(pairs).mean() if pairs else jnp.zeros(())
            ramp = self.weight * dann_ramp(context.progress, self.gamma)
            return task + ramp * (gap + apart), state, {"task": task, "mmd": gap, "apart": apart}

        trained = ("features", *(f"{part}{d}" for part in ("space", "head") for d in range(model.domains)))
        return (Phase((Objective(loss, trained),), draw={"source": "domain"}),)

    def predict(self, model, state, x):
        """The logarithm of the classifiers' mean probabilities."""
        features, _ = model.features(state, x, train=False)
        each = []
        for d in range(model.domains):
            z, _ = model.apply(state, f"space{d}", features, train=False)
            each.append(jax.nn.log_softmax(model.classify(state, z, net=f"head{d}", train=False)[0]))
        return jax.nn.logsumexp(jnp.stack(each), 0) - jnp.log(jnp.float32(model.domains))
