"""A trained model that is applied to new rows."""

import functools
import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float32

from tlx.errors import SettingError
from tlx.runs.about import About
from tlx.trained.rows import rows_of, unreadable

if TYPE_CHECKING:
    from tlx.contract import State, Strategy
    from tlx.engine.apply import Applied
    from tlx.engine.model import ModelSpec
    from tlx.engine.programs import Observed

log = logging.getLogger(__name__)


class Trained:
    """One seed's trained model, as `tlx.load` gives it; its predictions are those of the strategy's own `predict`.

    Wherever it takes `x`, for a model of images that is: uint8 [N, H, W, C] of any size, grey or RGB, scaled to the
    model's size with the aspect not kept; or a list of image files, of pictures of Pillow, or of uint8 arrays of
    different sizes, or one file or picture. Of files and pictures the short side is scaled and the middle cropped. For
    other models it is what their task's rows are: vectors [N, D], sequences [N, T, C], token numbers [N, T], a tree.

    `about` says what it is: its run (`about.spec`), seed, selection, task. A test-time method stands as its run's
    stream left it, and adapts no further (`note`).

    Example:
        model = tlx.load("models/dann")
        model.predict(["cat.jpg", "dog.jpg"])
    """

    def __init__(self, about: About, strategy: "Strategy", spec: "ModelSpec", state: "State"):
        self.about, self.strategy, self.spec, self.state = about, strategy, spec, state

    def __repr__(self) -> str:
        return f"Trained({self.about.spec.label}, seed {self.about.seed}, {self.about.selection})"

    @property
    def class_names(self) -> tuple[str, ...]:
        """The names of the classes, in the order of the columns of `predict_proba`; none of real targets."""
        return self.about.facts.names

    @property
    def note(self) -> str:
        """What is particular in how it predicts, "" for nothing."""
        if self.about.setting != "test-time":
            return ""
        return (
            f"'{self.about.spec.strategy}' adapts at test time: the state is that of the end of its run's stream and "
            "adapts no further; a row's prediction may depend on the others that are predicted with it"
        )

    def predict(self, x: Any) -> np.ndarray:
        """The name of each row's class [N]; of a model of real targets, its numbers float32 [N, outputs].

        Raises:
            DataError: rows of another kind, type or shape than the model takes; files that cannot be read.
        """
        logits = self.outputs(x).logits
        return np.asarray(self.class_names)[logits.argmax(1)] if self.class_names else logits

    def predict_proba(self, x: Any) -> Float32[np.ndarray, "rows classes"]:
        """The probability of each class, softmax(logits).

        Raises:
            DataError: as `predict`.
            SettingError: the model is one of real targets.
        """
        if not self.class_names:
            raise SettingError("The model gives real numbers, and no classes with probabilities; expected `predict`.")
        return softmax(self.outputs(x).logits)

    def features(self, x: Any) -> Float32[np.ndarray, "rows width"]:
        """The features that the predictions are made from. Raises DataError as `predict`."""
        return self.outputs(x).features

    def outputs(self, x: Any, failed: dict[int, str] | None = None) -> "Observed":
        """Features and logits of each row, float32.

        With `failed`, files that cannot be read are no error: it is given the reason by row, and the rows hold NaN.

        Raises:
            DataError: as `predict`.
        """
        from tlx.engine.programs import Observed

        rows = rows_of(x, self.about.facts)
        order = np.random.default_rng(0).permutation(len(rows))  # batches in which classes are mixed, as in a run
        wrong: dict[int, str] = {}
        parts: dict[str, np.ndarray] = {}
        for some in self._batches(order):
            batch, bad = rows.read(some)
            wrong |= bad
            for name, values in self._observe(batch)._asdict().items():
                out = parts.setdefault(name, np.empty((len(rows), values.shape[1]), np.float32))
                out[some] = values
        if wrong and failed is None:
            raise unreadable(dict(sorted(wrong.items())))
        if failed is not None:
            failed |= dict(sorted(wrong.items()))
            for out in parts.values():
                out[list(wrong)] = np.nan
        return Observed(**parts)

    def export(self, path: str | Path) -> Path:
        """Writes a program that runs without tlx; see `tlx.trained.export.export`."""
        from tlx.trained.export import export

        return export(self, path)

    def _batches(self, order: np.ndarray) -> list[np.ndarray]:
        """Batches as a run evaluates in: of one size, the last moved back to end with the last row.

        Fewer rows are filled up to a power of two by rows again, unless a row's prediction depends on its batch.
        """
        size, count = self.about.spec.recipe.eval_batch, len(order)
        if count < size:
            whole = count if self.note else min(size, 1 << (count - 1).bit_length())
            return [np.resize(order, whole)]
        starts = np.minimum(np.arange(-(-count // size)) * size, count - size)
        return [order[start : start + size] for start in starts]

    @functools.cached_property
    def arrays(self) -> "Applied":
        """The arrays of the model: its state, its strategy's settings, what rows are scaled by."""
        from tlx.engine.apply import applied

        return applied(self.strategy, self.about.spec.recipe, self.about.facts, self.state)

    def program(self, arrays: "Applied", x: Any) -> "Observed":
        """The pure function of arrays and rows, x as stored, that gives features and logits."""
        from tlx.engine.apply import observe

        return observe(self.spec, self.about.spec.recipe, arrays, x)

    @functools.cached_property
    def _compiled(self) -> "Callable[[Applied, Any], Observed]":
        import jax

        from tlx.engine.devices import use_compilation_cache

        use_compilation_cache()
        return jax.jit(self.program)

    def _observe(self, batch: Any) -> "Observed":
        import jax

        return jax.device_get(self._compiled(self.arrays, jax.tree.map(jax.numpy.asarray, batch)))


def softmax(logits: np.ndarray) -> Float32[np.ndarray, "rows classes"]:
    """exp(l_k) / sum_j exp(l_j) of each row."""
    powers = np.exp(logits - logits.max(1, keepdims=True))
    return (powers / powers.sum(1, keepdims=True)).astype(np.float32)
