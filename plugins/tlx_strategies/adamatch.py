"""AdaMatch."""

import jax
import jax.numpy as jnp

from tlx import Objective, Phase, Strategy, strategy
from tlx.blocks import concatenate, count, follow, teacher_logits, with_teacher
from tlx.ops import align_distribution, cosine_warmup, cross_entropy, soft_cross_entropies


@strategy
class AdaMatch(Strategy):
    """Pseudo-labels for strong views, of aligned class distribution and above a threshold relative to the source.

    z_s = l * z'_s + (1 - l) * z''_s, l ~ U(0, 1) each, z' from all views in one pass, z'' from the source's alone
    loss = cross-entropy(z_s) over weak and strong views + mu(p) * mean_i m_i cross-entropy(q_i, strong view of x_i)
    q = normalise(p_t * mean p_s / mean p_t), on weak views; m_i = 1 where max q_i >= threshold * mean_j max p_s(x_j);
    mu(p) = 1/2 - cos(min(pi, 2 pi p)) / 2

    This follows the paper's equations; the authors' code departs from them in three things. It takes half of the
    source's term, (weak + strong) / 2. Its target label is argmax q_i, not q_i. Its mean p_s and mean p_t are moving
    averages, here the batch's own. The interpolation, the threshold and mu(p) are the same in both.

    Running statistics follow the joint pass; the moving average of the parameters predicts.

    Settings: `threshold` 0.9; `decay` 0.999; `ratio`, the target rows to a source row, 3.

    Reference: Berthelot et al., "AdaMatch: A Unified Approach to Semi-Supervised Learning and Domain Adaptation", ICLR
    2022.
    """

    paper = "Berthelot et al. 2022"
    inputs = ("image",)

    threshold: float = 0.9
    decay: float = 0.999
    ratio: int = 3

    def init(self, model, key):
        return with_teacher(model, model.init(key), debias=True)

    def phases(self, model):
        def loss(state, batch, context):
            *keys, mix_key = jax.random.split(context.key, 5)
            rows = (
                (batch.source.x, "weak"),
                (batch.source.x, "strong"),
                (batch.target.x, "weak"),
                (batch.target.x, "strong"),
            )
            views = [model.augment(key, x, view) for key, (x, view) in zip(keys, rows, strict=True)]
            n, m = count(batch.source.x), count(batch.target.x)
            alone, _ = model.features(state, concatenate(*views[:2]))
            alone_logits, _ = model.classify(state, alone)
            together, state = model.features(state, concatenate(*views))
            joint, state = model.classify(state, together)
            mix = jax.random.uniform(mix_key, (2 * n, model.outputs))
            source = mix * joint[: 2 * n] + (1 - mix) * alone_logits
            task = cross_entropy(source[:n], batch.source.y) + cross_entropy(source[n:], batch.source.y)
            on_source, on_target = (
                jax.lax.stop_gradient(jax.nn.softmax(z)) for z in (source[:n], joint[2 * n : 2 * n + m])
            )
            wanted = align_distribution(on_target, on_source)
            sure = jnp.float32(jnp.max(wanted, 1) >= self.threshold * jnp.mean(jnp.max(on_source, 1)))
            gap = jnp.mean(sure * soft_cross_entropies(joint[2 * n + m :], wanted))
            metrics = {"task": task, "consistency": gap, "confident": jnp.mean(sure)}
            return task + cosine_warmup(context.progress) * gap, state, metrics

        def after(state, batch, context):
            return follow(model, state, self.decay, statistics=True)

        return (Phase((Objective(loss),), batch={"target": self.ratio}, after=after),)

    def predict(self, model, state, x):
        return teacher_logits(model, state, x)[0]
