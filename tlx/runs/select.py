"""What every selector thinks of a run's evaluations, and the scores where it picks."""

import functools
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from tlx.data import TaskData
from tlx.plugins import Registry
from tlx.runs.probe import Probe, sample_of
from tlx.runs.result import Score, Selection
from tlx.runs.scoring import kind_of, score_of
from tlx.score.selectors import Evidence, Selector, judge, pick

if TYPE_CHECKING:
    from tlx.engine.train import Evaluation, Outcome

log = logging.getLogger(__name__)


class Selected(NamedTuple):
    """What one selector says: `opinions` [seeds][evaluations of the last phase], and the place that it picks by seed.

    Places count all evaluations of the run.
    """

    selection: Selection
    opinions: list[list[float]]
    places: list[int]


def selectors_for(registry: Registry, data: TaskData) -> dict[str, Selector]:
    """The registered selectors that can judge runs on this task.

    By its kind of target, whether it has a source, and whether there are labels to score by.
    """
    every: dict[str, Selector] = {
        entry.name: registry.get("selectors", entry.name) for entry in registry.entries("selectors")
    }
    sourced = len(data.source_val.y) > 0
    return {
        name: item
        for name, item in every.items()
        if data.target_kind in item.targets
        and (sourced or not (item.needs_source or item.uses_features))
        and (data.scorable or not item.uses_target_labels)
    }


def select_all(
    selectors: Mapping[str, Selector], outcome: "Outcome", data: TaskData, probe: Probe | None
) -> dict[str, Selected]:
    """The scores of each seed where each selector picks, among the evaluations of the last phase, and its opinions.

    A selector that fails is named in the log and left out, which loses no run. Linear algebra keeps one thread: the
    matrices are small, and threads that wait for each other made this ten times slower.
    """
    from threadpoolctl import threadpool_limits

    evidence = [_evidence(outcome, seed, data, probe) for seed in range(len(outcome.seeds))]
    first = len(outcome.evaluations) - len(candidates(outcome))

    @functools.cache
    def score(seed: int, index: int) -> Score:  # most selectors pick the same few evaluations
        item = evidence[seed][index]
        return score_of(int(item.step), item.target_logits, data)

    selected = {}
    for name, selector in selectors.items():
        try:
            with threadpool_limits(1):
                opinions = [judge(selector, items) for items in evidence]
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            log.warning("selector '%s' failed and is left out: %s: %s", name, type(error).__name__, error)
            continue
        picks = [pick(values) for values in opinions]
        scores = [score(seed, index) for seed, index in enumerate(picks)]
        selection = Selection(selector.uses_target_labels, scores)
        selected[name] = Selected(selection, opinions, [first + index for index in picks])
    return selected


def candidates(outcome: "Outcome") -> list["Evaluation"]:
    """The evaluations that are selected from: those of the last phase."""
    return [item for item in outcome.evaluations if item.phase == outcome.evaluations[-1].phase]


def _evidence(outcome: "Outcome", seed: int, data: TaskData, probe: Probe | None) -> list[Evidence]:
    return [
        Evidence(
            item.step,
            item.step / max(1, outcome.steps),  # a strategy that only runs online takes no step
            item.source_logits[seed],
            data.source_val.y,
            item.target_logits[seed],
            data.test.y,
            sample_of(item.observed, seed, probe, data) if probe else None,
            data.target_kind,
            kind_of(data),
        )
        for item in candidates(outcome)
    ]
