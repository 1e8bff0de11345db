"""Adversarial support alignment."""

from typing import Literal

import jax

from tlx import Objective, Phase, Strategy, strategy
from tlx.blocks import Norm, both_domains, with_source_norm
from tlx.layers import MLP
from tlx.ops import History, domain_accuracy, domain_loss, linear_ramp, support_distance


@strategy
class ASA(Strategy):
    """Aligns where the domains' features lie, and not how often: the supports of a discriminator's outputs.

    Every step: the discriminator D down domain_loss(D(f(x))); then features and head down
    cross-entropy(source) + weight * min(p / ramp, 1) * support(D(f(source)), D(f(target)))
    support(S, T) = mean_s min_t d(s, t) + mean_t min_s d(s, t), d(a, b) = |a - b| ("abs") or (a - b)^2 ("squared")

    S and T are the batch's outputs and the last `history` of each domain before it, as they were then, which have no
    gradient. A batch has but some of a domain's support: without them it is its sample that is aligned. Against a
    history each row of the batch counts 1 / (history + batch).

    D has ReLU where the authors have a leaky one of slope 0.01. The domains' features come from one pass, as for
    `dann`; the authors' networks of this method for digits have no batch norm.

    Settings: `weight`; `ramp`, the share of the run over which it grows (the authors: 10,000 of 65,000 steps);
    `history` 1,000; `distance`, "abs" or "squared"; `hidden` layers of D, without batch norm; `norm`, as of
    `tlx.Additive`.

    Reference: Tong, Garipov, Zhang, Chang, Jaakkola, "Adversarial Support Alignment", ICLR 2022, algorithm 1.
    """

    paper = "Tong et al. 2022"

    weight: float = 1.0
    ramp: float = 0.154
    history: int = 1000
    distance: Literal["abs", "squared"] = "abs"
    hidden: tuple[int, ...] = (512, 512)
    norm: Norm = "joint"

    def init(self, model, key):
        model_key, critic_key = jax.random.split(key)
        sizes = (model.width, *self.hidden, 1)
        state = model.add(model.init(model_key), critic_key, "critic", lambda rngs: MLP(sizes, rngs=rngs))
        return state.put(source_history=History.empty(self.history), target_history=History.empty(self.history))

    def phases(self, model):
        def judge(state, *features):
            return [model.apply(state, "critic", each)[0][:, 0] for each in features]

        def discriminate(state, batch, context):
            features = both_domains(model, state, batch, self.norm)[:2]
            source, target = judge(state, *features)
            return domain_loss(source, target), state, {"domain_accuracy": domain_accuracy(source, target)}

        def align(state, batch, context):
            source, target, state = both_domains(model, state, batch, self.norm)
            logits, state = model.classify(state, source)
            task, judged = model.task_loss(logits, batch.source.y), judge(state, source, target)
            past = state.extra["source_history"], state.extra["target_history"]
            seen = [history.joined(new) for history, new in zip(past, judged, strict=True)]
            support = support_distance(seen[0], seen[1], self.distance == "squared")
            after = [history.after(new) for history, new in zip(past, judged, strict=True)]
            state = state.put(source_history=after[0], target_history=after[1])
            total = task + self.weight * linear_ramp(context.progress, self.ramp) * support
            return total, state, {"task": task, "support": support}

        def begin(state, context):
            return with_source_norm(state, self.norm)

        trained = ("features", "head", "source_norm") if self.norm == "domain" else ("features", "head")
        return (Phase((Objective(discriminate, ("critic",)), Objective(align, trained)), begin=begin),)
