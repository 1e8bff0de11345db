"""Strategies that ask for labels of target rows, some before every round, until a budget is spent."""

from collections.abc import Mapping

import jax
import jax.numpy as jnp

from tlx.blocks.supervised import supervised
from tlx.contract import (
    Batch,
    Context,
    Features,
    Key,
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
    Unlabelled,
    strategy,
)
from tlx.errors import SettingError
from tlx.ops.active import Free, no_rows


@strategy
class Active(Strategy):
    """Base of strategies that choose which target rows are labelled: write `choose`.

    1. theta <- argmin cross-entropy(source).
    2. Before every round, `count` more target rows are asked for, until there are `budget`; then
       theta <- argmin cross-entropy(source) + cross-entropy(asked rows)

    A result has the number of labels that each seed was shown (`asked`). The loss is fine-tuning on both domains; the
    papers also choose for other ways to adapt.

    Settings: `pretrain`, the source's share of the steps; `count` rows a round; `budget` rows in all.

    Raises:
        SettingError: fewer target rows than `budget`, no row a round, a budget of no round, or a task that does not
            offer a label of every target row (with shots, or of unknown classes).
    """

    setting = "semi-supervised"
    spaces = ("closed", "partial")

    pretrain: float = 0.5
    count: int = 5
    budget: int = 20

    def choose(self, key: Key, features: Features, logits: Logits, free: Free) -> jax.Array:
        """The places of `count` rows among all target rows that are `free`, [count]."""
        raise NotImplementedError(f"{type(self).__name__} does not define `choose`")

    def phases(self, model: Model) -> tuple[Phase, ...]:
        rows = _rows(self, model)

        def begin(state: State, context: Context) -> State:
            return state.put(asked=no_rows(rows))

        def forward(state: State, rows: Unlabelled) -> tuple[Features, Logits]:
            features, _ = model.features(state, rows.x, train=False)
            return features, model.classify(state, features, train=False)[0]

        def refresh(state: State, swept: Mapping[str, Tree], context: Context) -> State:
            asked = state.extra["asked"]
            features, logits = swept["forward"]
            more = asked.at[self.choose(context.key, features, logits, ~asked)].set(True)
            return state.put(asked=jnp.where(jnp.sum(asked) + self.count <= self.budget, more, asked))

        def loss(state: State, batch: Batch, context: Context) -> tuple[Scalar, State, Metrics]:
            tasks: list[Scalar] = []
            for known in (batch.source, batch.labelled):
                features, state = model.features(state, known.x)
                logits, state = model.classify(state, features)
                tasks.append(model.task_loss(logits, known.y))
            return tasks[0] + tasks[1], state, {"source": tasks[0], "asked": tasks[1]}

        asking = Phase(
            (Objective(loss),), "active", 1 - self.pretrain, sees=frozenset({"source", "target", "labelled"}),
            draw={"labelled": "asked"}, sweeps={"forward": Sweep("target", forward)}, begin=begin, refresh=refresh,
        )  # fmt: skip
        return supervised(model, name="source", share=self.pretrain), asking


def _rows(strategy: Active, model: Model) -> int:
    name, rows, labelled = type(strategy).__name__, model.rows["target"], model.rows["labelled"]
    if not 1 <= strategy.count <= strategy.budget:
        got = f"{strategy.count} rows a round of a budget of {strategy.budget}"
        raise SettingError(f"strategy {name}: {got}; expected 1 <= count <= budget")
    if strategy.budget > rows:
        raise SettingError(f"strategy {name}: a budget of {strategy.budget} labels; the target has {rows} train rows")
    if labelled != rows:
        raise SettingError(
            f"strategy {name} asks for labels among all target train rows; the task offers them for {labelled} of "
            f"{rows}; expected a task without shots and unknown classes"
        )
    return rows
