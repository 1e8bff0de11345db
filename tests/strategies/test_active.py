"""Active learning: what is asked for, what is shown of it, and what is refused."""

import jax
import numpy as np
import pytest
from scipy.special import softmax
from scipy.stats import entropy
from states import features, logits

from tlx import SettingError
from tlx.testing import Probe
from tlx_strategies.active_entropy import ActiveEntropy
from tlx_strategies.active_margin import ActiveMargin
from tlx_strategies.badge import BADGE
from tlx_strategies.clue import CLUE

METHODS = [ActiveEntropy, ActiveMargin, BADGE, CLUE]


def asking(method) -> Probe:
    probe = Probe(method)
    probe.begin(1, probe.begin(0))
    return probe


@pytest.mark.parametrize("kind", METHODS)
def test_each_round_asks_for_more_rows_until_the_budget_is_spent(kind):
    """The trap: rows that are asked for twice, or a round beyond the budget."""
    probe, counts = asking(kind(count=4, budget=10)), []
    for _ in range(4):
        before, probe.state = probe.state, probe.refresh()
        assert not np.any(before.extra["asked"] & ~probe.state.extra["asked"])
        counts.append(int(probe.state.extra["asked"].sum()))
    assert counts == [4, 8, 8, 8]


@pytest.mark.parametrize(
    ("kind", "unsure"),
    [
        (ActiveEntropy, lambda p: entropy(p, axis=1)),
        (ActiveMargin, lambda p: -np.diff(np.sort(p, 1)[:, -2:], axis=1)[:, 0]),
    ],
)
def test_the_least_sure_rows_are_asked_for(kind, unsure):
    """The trap: the surest rows, by a sign."""
    probe = asking(kind(count=3, budget=9))
    x = probe.rows["target"].x
    p = softmax(np.float64(logits(probe, features(probe, x, train=False))), 1)
    order = probe.rows["target"].index[np.argsort(-unsure(p))]
    assert set(np.flatnonzero(probe.refresh().extra["asked"])) == set(np.asarray(order)[:3].tolist())


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"budget": 25}, "a budget of 25 labels; the target has 24 train rows"),
        ({"count": 0}, "expected 1 <= count <= budget"),
        ({"count": 6, "budget": 5}, "expected 1 <= count <= budget"),
    ],
)
def test_what_cannot_be_asked_for_is_refused(settings, told):
    with pytest.raises(SettingError, match=told):
        _ = Probe(ActiveEntropy(**settings)).phases


def test_a_task_that_offers_few_labels_is_refused():
    """The trap: places among all rows taken for places among the labelled ones."""
    whole = Probe(ActiveEntropy())
    few = {**whole.rows, "labelled": jax.tree.map(lambda leaf: leaf[:6], whole.rows["labelled"])}
    with pytest.raises(SettingError, match="offers them for 6 of 24"):
        _ = Probe(ActiveEntropy(), rows=few).phases
