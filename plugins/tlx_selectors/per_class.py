"""The evaluation that is best class by class, so that a rare class counts as much as a common one."""

from tlx.score import Evidence, Selector, class_accuracy


class SourceValPerClass(Selector):
    """The evaluation with the highest mean over the classes of the recall on held-out source rows.

    It needs no target labels.
    """

    needs_source = True

    def score(self, evidence: Evidence) -> float:
        return class_accuracy(evidence.source_logits, evidence.source_y)


class OraclePerClass(Selector):
    """The evaluation with the highest mean per class of the target test accuracy: reads the test labels.

    So it is an upper bound only; VisDA's tables are selected so.
    """

    uses_target_labels = True

    def score(self, evidence: Evidence) -> float:
        assert evidence.target_y is not None
        return class_accuracy(evidence.target_logits, evidence.target_y)
