"""The evaluation that is best on held-out source rows."""

from tlx.score import Evidence, Selector, main_score


class SourceVal(Selector):
    """The evaluation with the highest accuracy (of real targets, R^2) on held-out source rows.

    It needs no target labels.
    """

    needs_source = True
    targets = ("classes", "real")

    def score(self, evidence: Evidence) -> float:
        return main_score(evidence.target_kind, evidence.source_logits, evidence.source_y)
