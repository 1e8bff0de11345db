"""The evaluation that is best on held-out source images."""

from tlx.score import Evidence, Selector, accuracy


class SourceVal(Selector):
    """The evaluation with the highest accuracy on held-out source images; needs no target labels."""

    needs_source = True

    def score(self, evidence: Evidence) -> float:
        return accuracy(evidence.source_logits, evidence.source_y)
