"""KL divergence between Gaussians fitted to the two domains."""

from tlx import Additive, strategy
from tlx.ops import gaussian_kl, mean_and_variance


@strategy
class KLGaussian(Additive):
    """Aligns the features' means and variances by the closed-form KL divergence of diagonal Gaussians.

    loss = cross-entropy(source) + weight * (KL(N_T || N_S) + KL(N_S || N_T)) / (2 width)
    N_D = N(mean, diag(variance + eps)) of domain D's features in the batch

    Zhuang et al. take the symmetric KL divergence of the mean activations, normalised to sum to one, inside an
    autoencoder; the Gaussians are this strategy's own.

    Settings: `weight`; `eps`, added to the variances, which are zero for a feature that no row of a batch activates.

    Reference: Zhuang et al., "Supervised Representation Learning: Transfer Learning with Deep Autoencoders", IJCAI
    2015.
    """

    paper = "Zhuang et al. 2015"
    targets = ("classes", "real")

    weight: float = 1.0
    eps: float = 0.01

    def transfer(self, model, state, outputs, batch, context):
        mean_s, variance_s = mean_and_variance(outputs.source)
        mean_t, variance_t = mean_and_variance(outputs.target)
        variance_s, variance_t = variance_s + self.eps, variance_t + self.eps
        there = gaussian_kl(mean_t, variance_t, mean_s, variance_s)
        back = gaussian_kl(mean_s, variance_s, mean_t, variance_t)
        gap = (there + back) / (2 * model.width)
        return self.weight * gap, state, {"kl": gap}
