"""The evaluation that is best on the target's test labels: an upper bound, not a method."""

from tlx.score import Evidence, Selector, accuracy


class Oracle(Selector):
    """The evaluation with the highest target test accuracy: reads the test labels, so it is an upper bound only."""

    uses_target_labels = True

    def score(self, evidence: Evidence) -> float:
        assert evidence.target_y is not None
        return accuracy(evidence.target_logits, evidence.target_y)
