"""What strategies for an imbalanced source share: a phase that knows how many rows each class has."""

from collections.abc import Mapping

import jax
import jax.numpy as jnp

from tlx.contract import (
    Batch,
    Context,
    Inputs,
    Key,
    Labelled,
    Labels,
    Logits,
    Metrics,
    Model,
    Objective,
    Phase,
    Scalar,
    State,
    Strategy,
    Sweep,
    Tree,
    strategy,
)

COUNTS = "class_counts"


@strategy
class Imbalanced(Strategy):
    """Base of strategies that learn the source by a loss of each row that depends on the class counts: write `losses`.

    loss = sum_i w_i l_i / sum_i w_i
    """

    spaces = ("closed", "partial")

    def losses(self, logits: Logits, y: Labels, counts: jax.Array, context: Context) -> tuple[jax.Array, jax.Array]:
        """The losses l and the weights w of a batch's rows, [B] each; `counts` [C] are of all train rows."""
        raise NotImplementedError(f"{type(self).__name__} does not define `losses`")

    def logits(self, model: Model, state: State, features: jax.Array, train: bool) -> tuple[Logits, State]:
        """The logits that the loss is of."""
        return model.classify(state, features, train=train)

    def init(self, model: Model, key: Key) -> State:
        return model.init(key).put(**{COUNTS: jnp.float32([1.0] * model.outputs)})

    def phases(self, model: Model) -> tuple[Phase, ...]:
        def loss(state: State, batch: Batch, context: Context) -> tuple[Scalar, State, Metrics]:
            features, state = model.features(state, batch.source.x)
            logits, state = self.logits(model, state, features, True)
            losses, weights = self.losses(logits, batch.source.y, state.extra[COUNTS], context)
            return jnp.sum(weights * losses) / jnp.sum(weights), state, {}

        def labels(state: State, rows: Labelled) -> Labels:
            return rows.y

        def refresh(state: State, swept: Mapping[str, Tree], context: Context) -> State:
            return state.put(**{COUNTS: jax.nn.one_hot(swept["y"], model.outputs).sum(0)})

        sweeps = {"y": Sweep("source", labels)}
        return (Phase((Objective(loss),), name="source", sees=frozenset({"source"}), sweeps=sweeps, refresh=refresh),)

    def predict(self, model: Model, state: State, x: Inputs) -> Logits:
        features, _ = model.features(state, x, train=False)
        return self.logits(model, state, features, False)[0]
