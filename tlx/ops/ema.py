"""Exponential moving averages of parameters."""

from typing import Any

import jax


def ema(average: Any, new: Any, decay: Any) -> Any:
    """decay average + (1 - decay) new, leaf by leaf. Tarvainen and Valpola 2017, "Mean teachers"."""
    return jax.tree.map(lambda a, b: decay * a + (1 - decay) * b, average, new)
