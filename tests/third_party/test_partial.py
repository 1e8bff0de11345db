"""Partial: the target has half of the source's classes. PADA."""

import jax
import jax.numpy as jnp
import numpy as np

import tlx
from tlx.data import LabelSpace, from_arrays
from tlx.layers import MLP
from tlx.ops import cross_entropies, dann_ramp, domain_loss, reverse_gradient

NAMES = tuple("0123456789")


@tlx.strategy
class Pada(tlx.Strategy):
    """Weighs the source's classes by how often the target is taken for them, in the task's loss and the adversary's.

    w = mean p(y | target), over its largest; loss = mean w cross-entropy(source) + domain_loss(D(R(f)), weighted by w)
    """

    paper = "Cao et al. 2018"
    spaces = ("partial",)

    def init(self, model, key):
        first, second = jax.random.split(key)
        sizes = (model.width, 32, 1)
        state = model.add(model.init(first), second, "critic", lambda rngs: MLP(sizes, rngs=rngs))
        return state.put(weights=jnp.ones(model.known))

    def phases(self, model):
        def each(state, rows):
            return jax.nn.softmax(self.predict(model, state, rows.x))

        def refresh(state, swept, context):
            shares = swept["target"].mean(0)
            return state.put(weights=jnp.where(context.progress > 0, shares / shares.max(), 1.0))

        def loss(state, batch, context):
            source, state = model.features(state, batch.source.x)
            target, state = model.features(state, batch.target.x)
            logits, state = model.classify(state, source)
            w, flow = state.extra["weights"][batch.source.y], dann_ramp(context.progress, 10.0)
            judged, state = model.apply(state, "critic", reverse_gradient(jnp.concatenate([source, target]), flow))
            domain = domain_loss(*jnp.split(judged[:, 0], [len(w)]), source_weights=w)
            task = jnp.mean(w * cross_entropies(logits, batch.source.y))
            return task + domain, state, {f"weight{c}": state.extra["weights"][c] for c in range(model.known)}

        return (tlx.Phase((tlx.Objective(loss),), sweeps={"target": tlx.Sweep("target", each)}, refresh=refresh),)


@tlx.hookimpl
def tlx_strategies(register):
    register("pada", Pada)


@tlx.hookimpl
def tlx_protocols(register):
    labels = LabelSpace(NAMES, NAMES[:5])
    register("partial-5", tlx.Protocol("partial-5", "0 to 4 are wanted", size=8, channels=1, labels=labels))


def test_finds_the_classes_that_are_there(run, digits):
    source = from_arrays("plain", digits.part(0, 2), classes=NAMES)
    target = from_arrays("dim", digits.part(1, 2, classes=5).dim(0.7, 30), classes=NAMES[:5])
    result = run("plain->dim@partial-5", "pada", source, target, backbone="dense")
    last = result.curves[-1].metrics
    weights = np.array([last[f"weight{c}"] for c in range(10)])
    # Five seeds: 0.92 to 0.98; the weights of the classes that are there are 5 to 12 times those of the others.
    assert min(result.accuracy()) > 0.8
    assert (weights[:5].mean(0) > 3 * weights[5:].mean(0)).all()
