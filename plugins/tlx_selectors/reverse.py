"""Back from the target: a classifier of its predicted labels is scored on the source."""

import numpy as np

from tlx.score import Evidence, Selector

PENALTY = 1.0


class ReverseValidation(Selector):
    """The evaluation from whose target predictions a linear classifier learns the source's labels best.

    A ridge regression of one-hot predicted classes on the target's features, centred, scaled to mean squared length 1;
    score = its accuracy on held-out source images.

    The original trains the whole model again, from target to source; here the features stay, as a second training would
    double the cost. On a few hundred rows. Reference: Zhong et al., Cross Validation Framework to Choose amongst Models
    and Datasets for Transfer Learning, ECML 2010; Ganin et al., Domain-Adversarial Training of Neural Networks, 2016.
    """

    uses_features = True

    def score(self, evidence: Evidence) -> float:
        from sklearn.linear_model import Ridge

        assert evidence.sample
        sample = evidence.sample
        features = sample.target_features.astype(np.float64)
        centre = features.mean(axis=0)
        length = np.sqrt(((features - centre) ** 2).sum(axis=1).mean()) or 1.0
        labels = np.eye(sample.target_logits.shape[1])[sample.target_logits.argmax(axis=1)]
        fitted = Ridge(PENALTY, solver="cholesky").fit((features - centre) / length, labels)
        told = fitted.predict((sample.val_features - centre) / length).argmax(axis=1)
        return float((told == sample.val_y).mean())
