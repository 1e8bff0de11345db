import numpy as np
import pytest

from tlx.score import Evidence, Selector, select


def evidence(*values):
    empty = np.zeros((1, 2))
    y = np.zeros(1, np.int32)
    return [Evidence(step, value, empty, y, empty, y) for step, value in enumerate(values, 1)]


class ByProgress(Selector):
    def score(self, evidence):
        return evidence.progress


def test_takes_the_highest_score():
    assert select(ByProgress(), evidence(0.1, 0.9, 0.5)) == 1


def test_of_equal_scores_the_last():
    assert select(ByProgress(), evidence(0.9, 0.1, 0.9, 0.2)) == 2


def test_nan_is_worse_than_anything():
    nan = float("nan")
    assert select(ByProgress(), evidence(nan, -np.inf, nan)) == 2
    assert select(ByProgress(), evidence(nan, -5.0, nan)) == 1


@pytest.mark.parametrize("uses", [False, True])
def test_target_labels_are_shown_to_those_that_say_so_only(uses):
    seen = []

    class Spy(Selector):
        uses_target_labels = uses

        def score(self, evidence):
            seen.append(evidence.target_y is not None)
            return 0.0

    select(Spy(), evidence(0.1, 0.2))
    assert seen == [uses, uses]


def test_a_selector_without_score_is_named():
    class Empty(Selector):
        pass

    with pytest.raises(NotImplementedError, match="Empty does not define `score`"):
        select(Empty(), evidence(0.1))


def test_the_built_in_selectors():
    from tlx_selectors.last import Last
    from tlx_selectors.oracle import Oracle
    from tlx_selectors.source_val import SourceVal

    y = np.array([0, 1, 1, 0], np.int32)

    def logits(hits):
        return np.eye(2)[np.where(np.arange(4) < hits, y, 1 - y)]

    seen = [Evidence(step, step / 3, logits(s), y, logits(t), y) for step, s, t in [(1, 2, 4), (2, 4, 1), (3, 3, 3)]]
    assert [select(selector, seen) for selector in (Last(), SourceVal(), Oracle())] == [2, 1, 0]
    assert [selector.uses_target_labels for selector in (Last, SourceVal, Oracle)] == [False, False, True]


def test_selectors_of_any_target_score_real_ones_by_r2():
    from tlx_selectors.oracle import Oracle
    from tlx_selectors.source_val import SourceVal

    y = np.arange(8, dtype=np.float32)[:, None]
    seen = [
        Evidence(step, step / 3, y * source, y, y * target, y, target_kind="real")
        for step, source, target in [(1, 1.2, 0.5), (2, 0.9, -1.0), (3, 0.0, 1.1)]
    ]
    assert [select(selector, seen) for selector in (SourceVal(), Oracle())] == [1, 2]
