"""A transfer strategy as a classifier of scikit-learn."""

from collections.abc import Mapping, Sequence
from numbers import Integral
from typing import Any, NamedTuple, Self, cast

import numpy as np
from jaxtyping import Float32
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.utils import check_random_state, column_or_1d
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_consistent_length, check_is_fitted, validate_data

from tlx.data import Image, Protocol, Rows, Space, Task, TaskData, Unlabelled, Vector
from tlx.data.resize import fit as fit_images
from tlx.data.scale import scale
from tlx.errors import DataError
from tlx.runs.about import About
from tlx.runs.recipe_set import parse_recipe
from tlx.runs.resolve import Job, Lookup, load_registry
from tlx.runs.settings import make_strategy, parse_settings
from tlx.runs.spec import Spec
from tlx.trained.load import put_together
from tlx.trained.trained import Trained

__all__ = ["TransferClassifier"]

MASK = -1  # the label of a row of a target


class Domains(NamedTuple):
    """Rows split by domain: which are of a source, the number of each row's domain, labels as numbers (-1: none)."""

    source: np.ndarray
    domain: np.ndarray
    y: np.ndarray


class TransferClassifier(TransformerMixin, ClassifierMixin, BaseEstimator):
    """Trains a strategy on source rows and unlabelled target rows, and predicts by it.

    `strategy`, `settings`, `backbone`, `recipe`, `recipe_set` and `steps` are those of `tlx.run`. The backbone is by
    default "mlp" for tables and "lenet" for images; the steps are the recipe's. `plugins` are files to load before.
    `random_state` is the seed.

    Attributes: `classes_`, `n_features_in_` of tables, and `model_`, the `tlx.Trained`.

    Example:
        model = TransferClassifier("dann", steps=500)
        model.fit(X, y, sample_domain=domain).predict(X_new)
    """

    def __init__(
        self,
        strategy: str = "dann",
        *,
        backbone: str | None = None,
        recipe: str = "default",
        recipe_set: Mapping[str, Any] | None = None,
        steps: int | None = None,
        settings: Mapping[str, Any] | None = None,
        plugins: Sequence[str] = (),
        random_state: Any = 0,
    ):
        self.strategy = strategy
        self.backbone = backbone
        self.recipe = recipe
        self.recipe_set = recipe_set
        self.steps = steps
        self.settings = settings
        self.plugins = plugins
        self.random_state = random_state

    def fit(self, X: Any, y: Any, sample_domain: Any = None) -> Self:
        """Trains on rows of all domains.

        X is a table of floats [n, d], whose columns are standardised by the source's, or images, uint8 [n, h, w, c].
        `sample_domain` [n], as skada has it, is positive for rows of a source and negative for those of a target, a
        number for each domain. Without it, rows whose label is masked (-1 of whole numbers, NaN of floats) are of the
        target; where that leaves one class or none, -1 is a class, and all rows are of the source. Labels of a target
        go to strategies that see labelled target rows alone. Without a target, the source's rows stand for its.

        Raises:
            ValueError: X or y are none, are of different lengths, or y has one class.
            DataError: X is neither a table nor images; a `sample_domain` that is 0, or without a source.
            TlxError: as `tlx.run`.
        """
        from tlx.engine.train import train

        x = self._rows(X, reset=True)
        if y is None:
            raise ValueError("fit requires y to be passed, but the target y is None: expected a label, or -1, a row.")
        y = column_or_1d(y, warn=True)
        check_consistent_length(x, y, sample_domain)
        domains = self._domains(y, sample_domain)
        data = _task(x, domains, tuple(map(str, self.classes_)))
        job, seed = self._job(data), self._seed()
        outcome = train(job.strategy, job.backbone, data, job.spec.recipe, [seed])
        last, weights = outcome.evaluations[-1], outcome.weights(0)
        self._keep(About.of(job, data, seed, "last", last.phase, last.step), weights)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """The class of each row [n]."""
        logits = self._outputs(X).logits
        return self.classes_[logits.argmax(1)]

    def predict_proba(self, X: Any) -> Float32[np.ndarray, "n classes"]:
        """The probability of each class, in the order of `classes_`."""
        check_is_fitted(self)
        return self.model_.predict_proba(self._rows(X))

    def transform(self, X: Any) -> Float32[np.ndarray, "n width"]:
        """The features of each row, which the domains are to have in common."""
        return self._outputs(X).features

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []  # features are float32
        return tags

    def __getstate__(self) -> dict[str, Any]:
        """Arrays and texts alone: a fitted model is its weights, and what `tlx.runs.about` says of it."""
        state: dict[str, Any] = dict(cast(Any, super().__getstate__()))
        if state.pop("model_", None) is not None:
            state["_about"] = self.model_.about.text(self._weights)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        about = state.pop("_about", None)
        super().__setstate__(state)
        if about is not None:
            self._keep(About.parse(about, self._weights), self._weights)

    def _keep(self, about: About, weights: Mapping[str, np.ndarray]) -> None:
        registry = load_registry(tuple(map(str, self.plugins)))
        self._weights = dict(weights)
        self.model_: Trained = put_together(registry, about, weights, "The classifier", allow_other_code=True)

    def _outputs(self, X: Any) -> Any:
        check_is_fitted(self)
        return self.model_.outputs(self._rows(X))

    def _rows(self, X: Any, reset: bool = False) -> np.ndarray:
        """A table float32 [n, d], or images uint8 [n, size, size, c]."""
        if getattr(X, "ndim", 2) <= 2:
            return np.asarray(validate_data(self, X, reset=reset, dtype=np.float32))
        x = np.asarray(X)
        if wrong := Image().problem(x):
            raise DataError(f"X: {wrong}, or a table [rows, columns] of floats.")
        return fit_images(x, max(x.shape[1:3]), x.shape[3]) if reset else x

    def _domains(self, y: np.ndarray, sample_domain: Any) -> Domains:
        if sample_domain is None:
            hidden = (
                y == MASK if y.dtype.kind == "i" else np.isnan(y) if y.dtype.kind == "f" else np.zeros(len(y), bool)
            )
            source = ~hidden if len(np.unique(y[~hidden])) > 1 else np.ones(len(y), bool)
            number = np.where(source, 1, -1)
        else:
            number = np.asarray(sample_domain)
            if number.dtype.kind not in "iuf" or number.ndim != 1 or not (number != 0).all():
                raise DataError(
                    f"sample_domain is {number.dtype} {number.shape}; expected a number above or below 0 a row."
                )
            source = number > 0
            if not source.any():
                raise DataError("sample_domain has no row of a source; expected numbers above 0 for these.")
        check_classification_targets(y[source])
        self.classes_ = np.unique(y[source])
        if len(self.classes_) < 2:
            raise ValueError(f"The source's rows are of 1 class, '{self.classes_[0]}'; expected two or more.")
        place = {label: number for number, label in enumerate(self.classes_.tolist())}
        numbered = np.array([place.get(label, MASK) for label in y.tolist()], np.int32)
        order = [*np.unique(number[source]), *np.unique(-number[~source]) * -1]
        at = {value: count for count, value in enumerate(order)}
        return Domains(source, np.array([at[value] for value in number], np.int32), numbered)

    def _job(self, data: TaskData) -> Job:
        """The run that `tlx.run` would make, on a task that has no name elsewhere."""
        lookup = Lookup(load_registry(tuple(map(str, self.plugins))))
        name, kind = lookup.strategy(self.strategy)
        made, settings = make_strategy(kind, parse_settings(kind, self.settings or {}, name), name)
        network = self.backbone or ("lenet" if isinstance(data.input, Image) else "mlp")
        recipe = lookup.recipe(self.recipe).replace(**parse_recipe(self.recipe_set or {}, self.steps))
        task = data.task
        spec = Spec(task.name, task.protocol.id, name, settings, network, recipe, (0,), tuple(map(str, self.plugins)))
        return Job(spec, task, made, lookup.backbone(network)[1])

    def _seed(self) -> int:
        given = self.random_state
        return int(given) if isinstance(given, Integral) else int(check_random_state(given).randint(2**31 - 1))


def _task(x: np.ndarray, domains: Domains, classes: tuple[str, ...]) -> TaskData:
    """The task of these rows: the target's are the scored ones too, without a label."""
    source, target = domains.source, ~domains.source if not domains.source.all() else domains.source
    kind = Image() if x.ndim == 4 else Vector()
    size, channels = x.shape[2:] if x.ndim == 4 else (None, None)
    protocol = Protocol("sklearn", "rows that were given", size, channels)
    sources = len(np.unique(domains.domain[source]))
    targets = max(1, len(np.unique(domains.domain)) - sources)
    names = (tuple(f"{word}{n}" for n in range(count)) for word, count in (("source", sources), ("target", targets)))
    task = Task(*names, protocol=protocol)
    number = np.where(domains.source, sources, domains.domain)[target].astype(np.int32)
    shown = ~domains.source & (domains.y != MASK)
    rows = Rows(x[source], domains.y[source], domains.domain[source])
    mean, std = scale(kind, protocol, rows.x)
    return TaskData(
        source=rows,
        source_val=Rows(x[:0], domains.y[:0], domains.domain[:0]),
        target=Unlabelled(x[target], number),
        labelled=Rows(x[shown], domains.y[shown], domains.domain[shown]),
        test=Rows(x[target], np.zeros(len(number), np.int32), number),
        order=np.arange(len(number), dtype=np.int32),
        space=Space(classes, classes),
        input=kind,
        target_kind="classes",
        mean=mean,
        std=std,
        task=task,
        hash="",
    )
