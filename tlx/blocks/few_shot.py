"""Strategies that learn from few labelled target rows by pairing them with source rows."""

import jax

from tlx.contract import Batch, Context, Features, Metrics, Model, Objective, Phase, Scalar, State, Strategy, strategy
from tlx.ops.few_shot import Same, same_class


@strategy
class FewShot(Strategy):
    """Base of strategies that add a term over pairs of source and labelled target rows: write `term`.

    loss = (1 - weight) ((1 - share) cross-entropy(source) + share cross-entropy(labelled target)) + weight * term

    Each domain goes through the net by itself, as through the two streams of the papers' code. Unlabelled target rows
    are not seen.

    Settings: `weight` of the term; `share` of the target in the cross-entropy; `augment`, whether rows are shown under
    the recipe's weak augmentation.
    """

    setting = "semi-supervised"
    spaces = ("closed", "partial")

    weight: float = 0.25
    share: float = 0.5
    augment: bool = False

    def term(self, source: Features, target: Features, same: Same) -> Scalar:
        """The term of the features of S source and T labelled rows; `same` [S, T] says which pairs are of one class."""
        raise NotImplementedError(f"{type(self).__name__} does not define `term`")

    def phases(self, model: Model) -> tuple[Phase, ...]:
        def loss(state: State, batch: Batch, context: Context) -> tuple[Scalar, State, Metrics]:
            rows = (batch.source, batch.labelled)
            seen: list[Features] = []
            tasks: list[Scalar] = []
            for key, known in zip(jax.random.split(context.key), rows, strict=True):
                x = model.augment(key, known.x, "weak") if self.augment else known.x
                features, state = model.features(state, x)
                logits, state = model.classify(state, features)
                seen.append(features)
                tasks.append(model.task_loss(logits, known.y))
            task = (1.0 - self.share) * tasks[0] + self.share * tasks[1]
            term = self.term(seen[0], seen[1], same_class(rows[0].y, rows[1].y))
            return (1.0 - self.weight) * task + self.weight * term, state, {"task": task, "term": term}

        return (Phase((Objective(loss),), sees=frozenset({"source", "labelled"})),)
