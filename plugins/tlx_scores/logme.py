"""LogME: the evidence of a Bayesian linear model."""

import numpy as np
from jaxtyping import Float

from tlx.score import Pair, Transferability
from tlx_scores.spectrum import left_spectrum

STEPS, TOLERANCE = 100, 1e-7


class LogME(Transferability):
    """The largest log evidence of a linear model of the labels on the features, a row, averaged over the classes.

    For each class, y in {0, 1}^N: w ~ N(0, I / alpha), y ~ N(F w, I / beta), and
    L(alpha, beta) = N/2 log beta + D/2 log alpha - N/2 log 2 pi - beta/2 |F m - y|^2 - alpha/2 |m|^2 - 1/2 log |A|
    with A = alpha I + beta F'F, m = beta A^-1 F'y. Higher is more transferable. The maximum is found by MacKay's
    fixed point gamma = sum_i beta s_i / (alpha + beta s_i), alpha = gamma / |m|^2, beta = (N - gamma) / |F m - y|^2,
    s_i being the eigenvalues of F'F.

    The authors' later code (`_fit_fixed_point`) sums log |A| over the N eigenvalues alone where N < D, and so is
    (D - N) / (2 N) log alpha too high: 2.281 where the maximum is 0.221. Their earlier code (`_fit_icml`), and TLLib's,
    stops at a change of 1%, and is 0.2207 there.

    Reference: You, Liu, Wang, Long, "LogME", ICML 2021.
    """

    paper = "You et al. 2021"

    def score(self, pair: Pair) -> float:
        features = np.asarray(pair.target, np.float64)
        left, values = left_spectrum(features)
        labels = [(pair.target_y == label).astype(np.float64) for label in np.unique(pair.target_y)]
        return float(np.mean([evidence(left.T @ y, values, y, features.shape[1]) for y in labels]) / len(features))


def evidence(z: Float[np.ndarray, "r"], s: Float[np.ndarray, "r"], y: Float[np.ndarray, "rows"], width: int) -> float:
    """max L(alpha, beta) from U'y, the eigenvalues of F'F and y."""
    rows, alpha, beta, value = len(y), 1.0, 1.0, -np.inf
    outside = max(float(y @ y - z @ z), 0.0)  # of y, beyond the span of F
    for _ in range(STEPS):
        scale = alpha + beta * s
        gamma = float((beta * s / scale).sum())
        norm = float((beta**2 * s * z**2 / scale**2).sum())
        residual = float(((alpha * z / scale) ** 2).sum()) + outside
        level = rows * np.log(beta) + width * np.log(alpha) - rows * np.log(2 * np.pi) - beta * residual - alpha * norm
        last, value = value, 0.5 * (level - np.log(scale).sum() - (width - len(s)) * np.log(alpha))
        if abs(value - last) < TOLERANCE * max(1.0, abs(value)):
            break
        alpha, beta = gamma / max(norm, 1e-12), max(rows - gamma, 1e-12) / max(residual, 1e-12)
    return float(value)
