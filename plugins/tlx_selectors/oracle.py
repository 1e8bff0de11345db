"""The evaluation that is best on the target's test labels: an upper bound, not a method."""

from tlx.score import Evidence, Selector, main_score


class Oracle(Selector):
    """The evaluation with the highest target test accuracy (of real targets R^2, with an unknown HOS); reads labels.

    So it is an upper bound only.
    """

    uses_target_labels = True
    targets = ("classes", "real")

    def score(self, evidence: Evidence) -> float:
        assert evidence.target_y is not None
        return main_score(evidence.scored_kind or evidence.target_kind, evidence.target_logits, evidence.target_y)
