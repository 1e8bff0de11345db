"""Seven unlabelled rows to a labelled one: FixMatch."""

import jax
import jax.numpy as jnp

import tlx
from tlx.data import from_arrays
from tlx.ops import cross_entropies

NAMES = tuple("0123456789")
ROWS = 16


@tlx.strategy
class FixMatch(tlx.Strategy):
    """Learns strong views of the target by the sure predictions on its weak views, `ratio` rows to a source row.

    loss = cross-entropy(source) + mean [max p >= threshold] cross-entropy(strong view, argmax p), p of the weak view
    """

    paper = "Sohn et al. 2020"

    ratio: int = 7
    threshold: float = 0.7

    def phases(self, model):
        def loss(state, batch, context):
            first, second = jax.random.split(context.key)
            weak, strong = model.augment(first, batch.target.x), model.augment(second, batch.target.x, "strong")
            assert batch.source.x.shape == (ROWS, *model.shape) and batch.source.y.shape == (ROWS,)
            assert weak.shape == strong.shape == (self.ratio * ROWS, *model.shape)
            assert batch.target.index.shape == batch.target.domain.shape == (self.ratio * ROWS,)
            source, state = model.features(state, batch.source.x)
            target, state = model.features(state, jnp.concatenate([weak, strong]))
            known, state = model.classify(state, source)
            views, state = model.classify(state, target)
            p = jax.lax.stop_gradient(jax.nn.softmax(views[: len(weak)]))
            sure = (p.max(1) >= self.threshold).astype(p.dtype)
            consistency = jnp.mean(sure * cross_entropies(views[len(weak) :], p.argmax(1)))
            return model.task_loss(known, batch.source.y) + consistency, state, {"sure": sure.mean()}

        return (tlx.Phase((tlx.Objective(loss),), batch={"target": self.ratio}),)


@tlx.hookimpl
def tlx_strategies(register):
    register("fixmatch", FixMatch)


@tlx.hookimpl
def tlx_recipes(register):
    views = {"weak": "noise(0.02)", "strong": "crop(1) + noise(0.1)"}
    common = {"lr": 0.05, "schedule": "constant", "bottleneck": 0}
    register("few", tlx.Recipe("few", batch=ROWS, steps=120, rounds=3, views=tuple(views.items()), **common))


def test_learns_from_seven_times_the_rows(run, digits):
    plain = from_arrays("plain", digits.part(0, 16), classes=NAMES)
    dim = from_arrays("dim", digits.part(1, 2).dim(0.5, 60), classes=NAMES)
    result = run("plain->dim", "fixmatch", plain, dim, backbone="dense", recipe="few")
    sure = [point.metrics["sure"] for point in result.curves]
    # Five seeds, from 90 labelled rows: 0.82 to 0.88 (0.80 to 0.83 without the views); sure 0.80 to 0.83 at the end.
    assert min(result.accuracy()) > 0.72
    assert min(sure[-1]) > 0.6 and all(first < last for first, last in zip(sure[0], sure[-1], strict=True))
