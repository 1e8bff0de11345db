"""What every selector says of a run's evaluations, and the scores where it picks."""

import functools
import logging
from collections.abc import Mapping
from typing import Any

from tlx.runs.result import Score, Selection
from tlx.runs.probe import Chosen, sample_of
from tlx.data import TaskData
from tlx.score.metrics import scores
from tlx.score.selectors import Evidence, Selector, judge, pick

log = logging.getLogger(__name__)
Opinions = dict[str, list[list[float]]]
"""By selector: the score of every evaluation of the last phase, of every seed: [seeds][evaluations]."""


def select_all(
    policies: Mapping[str, Selector], outcome: Any, data: TaskData, chosen: Chosen | None
) -> tuple[dict[str, Selection], Opinions]:
    """The scores of each seed where each selector picks, among the evaluations of the last phase, and its opinions.

    A selector that fails is named in the log and left out, which loses no run. Linear algebra keeps one thread: the
    matrices are small, and threads that wait for each other made this ten times slower.
    """
    from threadpoolctl import threadpool_limits

    seen = [_evidence(outcome, seed, data, chosen) for seed in range(len(outcome.seeds))]
    selections, opinions = {}, {}

    @functools.cache
    def scored(seed: int, index: int) -> Score:  # most selectors pick the same few evaluations
        item = seen[seed][index]
        return Score(step=int(item.step), **scores(item.target_logits, data.test_y))

    for name, policy in policies.items():
        try:
            with threadpool_limits(1):
                opinions[name] = [judge(policy, evidence) for evidence in seen]
        except Exception as error:
            log.warning("selector '%s' failed and is left out: %s: %s", name, type(error).__name__, error)
            continue
        made = [scored(seed, pick(values)) for seed, values in enumerate(opinions[name])]
        selections[name] = Selection(policy.uses_target_labels, made)
    return selections, opinions


def candidates(outcome: Any) -> list[Any]:
    """The evaluations that are selected from: those of the last phase."""
    return [item for item in outcome.evaluations if item.phase == outcome.evaluations[-1].phase]


def _evidence(outcome: Any, seed: int, data: TaskData, chosen: Chosen | None) -> list[Evidence]:
    return [
        Evidence(
            item.step,
            item.step / max(1, outcome.steps),  # a strategy that only runs online takes no step
            item.source_logits[seed],
            data.source_val.y,
            item.target_logits[seed],
            data.test_y,
            sample_of(item.observed, seed, chosen, data) if chosen else None,
        )
        for item in candidates(outcome)
    ]
