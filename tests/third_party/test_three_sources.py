"""Three sources, each with a head and batch norm of its own."""

import jax
import jax.numpy as jnp

import tlx
from tlx.data import from_arrays

NAMES = tuple("0123456789")


@tlx.strategy
class OwnNorms(tlx.Strategy):
    """One trunk; each source has its own batch norm and classifier. The mean of their probabilities predicts.

    loss = the mean over sources d of cross-entropy(head_d(trunk with norm_d (source_d)))
    """

    groups = {"norms": "norm?/*bn*", "trunk": "features/fc*"}

    def init(self, model, key):
        first, *keys = jax.random.split(key, model.domains + 1)
        state = model.init(first)
        for d in range(model.domains):
            state = model.copy(model.add(state, keys[d], f"head{d}", model.classifier()), "features", f"norm{d}")
        return state

    def logits(self, model, state, x, d, train=True):
        def choose(path, own, shared):
            return own if "bn" in jax.tree_util.keystr(path) else shared

        own = jax.tree_util.tree_map_with_path(choose, state.params[f"norm{d}"], state.params["features"])
        state = state.put_params(**{f"norm{d}": own})
        features, state = model.features(state, x, net=f"norm{d}", train=train)
        return model.classify(state, features, net=f"head{d}", train=train)

    def phases(self, model):
        def loss(state, batch, context):
            rows, total = batch.source.by_domain(model.domains), jnp.float32(0)
            for d in range(model.domains):
                logits, state = self.logits(model, state, rows.x[d], d)
                total += model.task_loss(logits, rows.y[d]) / model.domains
            return total, state, {}

        trained = ("trunk", "norms", *(f"head{d}" for d in range(model.domains)))
        more = {"batch": {"source": model.domains}, "draw": {"source": "domain"}, "sees": frozenset({"source"})}
        return (tlx.Phase((tlx.Objective(loss, trained),), **more),)

    def predict(self, model, state, x):
        each = [jax.nn.softmax(self.logits(model, state, x, d, train=False)[0]) for d in range(model.domains)]
        return jnp.log(sum(each) / model.domains)


@tlx.hookimpl
def tlx_strategies(register):
    register("own_norms", OwnNorms)


def test_averages_three_networks(run, digits):
    lights = {"bright": 1.0, "grey": 0.6, "dim": 0.3}
    sources = [
        from_arrays(name, digits.part(number, 4).dim(light, 20), classes=NAMES)
        for number, (name, light) in enumerate(lights.items())
    ]
    target = from_arrays("half", digits.part(3, 4).dim(0.5, 20), classes=NAMES)
    result = run("bright+grey+dim->half", "own_norms", *sources, target, backbone="dense")
    assert min(result.accuracy()) > 0.9  # five seeds: 0.97 to 0.99
