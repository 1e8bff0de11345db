"""What corrections of label shift share: a phase that estimates class weights, and predictions corrected by them."""

from collections.abc import Callable
from typing import Any, Literal

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from tlx.blocks.supervised import supervised
from tlx.contract import Context, Inputs, Key, Labels, Logits, Model, Phase, State, Strategy, Sweep, strategy
from tlx.ops import (
    Calibration,
    bbse_weights,
    fit_calibration,
    joint_confusion,
    mlls_weights,
    reweighted,
    rlls_strength,
    rlls_weights,
)

SHIFT = "label_shift"
Kind = Literal["none", "temperature", "bcts", "vector"]
Estimator = Literal["bbse", "rlls", "mlls"]
Estimate = Callable[[Logits, Labels, Logits], jax.Array]


def no_shift(model: Model) -> dict[str, Any]:
    """The entry of `State.extra` before anything is estimated: every weight is 1."""
    ones = jnp.float32([1.0] * model.outputs)
    return {SHIFT: (Calibration(ones, 0 * ones), ones)}


def shift_estimation(
    model: Model, predict: Callable[[State, Inputs], Logits], estimate: Estimate, calibration: Kind
) -> Phase:
    """The phase "estimate", which takes no step: calibration on the source's validation rows, then the weights.

    The rows of the target are its train rows, without labels; those that are scored need the same class shares. With
    calibration "none" or "temperature" the validation rows need the shares that the network was trained by; by a bias
    of each class ("bcts", "vector") the predictions are made to fit theirs.
    """

    def held(state: State, rows: Any) -> Any:
        return predict(state, rows.x), rows.y

    def target(state: State, rows: Any) -> Any:
        return predict(state, rows.x)

    def refresh(state: State, swept: Any, context: Context) -> State:
        (logits, y), said = swept["held"], swept["target"]
        fitted = fit_calibration(logits, y, calibration)
        return state.put(**{SHIFT: (fitted, estimate(fitted(logits), y, fitted(said)))})

    sweeps = {"held": Sweep("source_val", held), "target": Sweep("target", target)}
    return Phase(name="estimate", share=0.0, sees=frozenset({"source", "target"}), sweeps=sweeps, refresh=refresh)


def shift_corrected(state: State, logits: Logits) -> Logits:
    """log p(c | x) + log w_c of the calibrated predictions, w the target's shares over the source's."""
    calibration, weights = state.extra[SHIFT]
    return reweighted(calibration(logits), weights)


def estimate_weights(
    name: Estimator, held: Logits, y: Labels, target: Float[Array, "rows outputs"], soft: bool = True
) -> jax.Array:
    """The class weights by BBSE or RLLS (of probabilities, or of hard predictions unless `soft`), or by MLLS."""

    def said(logits: Logits) -> jax.Array:
        return jax.nn.softmax(logits) if soft else jax.nn.one_hot(logits.argmax(1), logits.shape[1])

    if name == "mlls":
        return mlls_weights(target, jax.nn.softmax(held).mean(0))
    confusion, share = joint_confusion(said(held), y), said(target).mean(0)
    if name == "bbse":
        return bbse_weights(confusion, share)
    return rlls_weights(confusion, share, rlls_strength(held.shape[1], len(y)))


@strategy
class LabelShift(Strategy):
    """Base of strategies that learn the source and correct their predictions by class weights: write `estimate`."""

    spaces = ("closed", "partial")

    calibration: Kind = "bcts"

    def estimate(self, held: Logits, y: Labels, target: Logits) -> jax.Array:
        """The weights [C], from calibrated logits of source validation rows, their labels, and logits of the target."""
        raise NotImplementedError(f"{type(self).__name__} does not define `estimate`")

    def init(self, model: Model, key: Key) -> State:
        return model.init(key).put(**no_shift(model))

    def phases(self, model: Model) -> tuple[Phase, ...]:
        def predict(state: State, x: Inputs) -> Logits:
            return Strategy.predict(self, model, state, x)

        return supervised(model, name="source"), shift_estimation(model, predict, self.estimate, self.calibration)

    def predict(self, model: Model, state: State, x: Inputs) -> Logits:
        return shift_corrected(state, super().predict(model, state, x))
