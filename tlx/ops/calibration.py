"""Calibration of a classifier's logits on held-out rows: temperature, bias-corrected temperature and vector scaling.

Shape vocabulary: rows B, classes C.
"""

from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from tlx.ops.linear import lbfgs
from tlx.ops.predictions import Logits, cross_entropy

Kind = Literal["none", "temperature", "bcts", "vector"]


class Calibration(NamedTuple):
    """logits * scale + bias, class by class."""

    scale: Float[Array, "classes"]
    bias: Float[Array, "classes"]

    def __call__(self, logits: Logits) -> Logits:
        """The calibrated logits."""
        return logits * self.scale[None] + self.bias[None]


def fit_calibration(logits: Logits, y: Int[Array, "batch"], kind: Kind = "bcts", iterations: int = 200) -> Calibration:
    """The minimum over scale and bias of the cross-entropy of logits * scale + bias; L-BFGS from the logits themselves.

    - "none": scale 1, bias 0.
    - "temperature": one scale 1 / T, bias 0 (Guo et al., "On Calibration of Modern Neural Networks", ICML 2017).
    - "bcts": one scale and a bias of each class (bias-corrected temperature scaling; Alexandari, Kundaje, Shrikumar,
      "Maximum Likelihood with Bias-Corrected Calibration is Hard-To-Beat at Label Shift Adaptation", ICML 2020).
    - "vector": a scale and a bias of each class (Guo et al.).

    With a bias the mean prediction is the rows' own share of each class, whatever shares the classifier was trained by.
    All are convex. Where the classes are separable there is no minimum, and the scale is that of the last iteration.
    """
    classes = logits.shape[1]
    start = {}
    if kind != "none":
        start["scale"] = jnp.ones(classes if kind == "vector" else 1, logits.dtype)
    if kind in ("bcts", "vector"):
        start["bias"] = jnp.zeros(classes, logits.dtype)

    def whole(params: dict[str, Array]) -> Calibration:
        scale = jnp.broadcast_to(params.get("scale", jnp.ones(1, logits.dtype)), (classes,))
        return Calibration(scale, params.get("bias", jnp.zeros(classes, logits.dtype)))

    def loss(params: dict[str, Array], logits: Array, y: Array) -> Array:
        return cross_entropy(whole(params)(logits), y)

    fitted = lbfgs(loss, start, jax.lax.stop_gradient(logits), y, iterations) if start else start
    return whole(fitted)
