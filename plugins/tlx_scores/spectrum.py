"""The singular vectors of a table of features, from the smaller of its two Gram matrices."""

import numpy as np
from jaxtyping import Float

KEPT = 1e-10  # of the largest eigenvalue; below is what rounding leaves of none


def left_spectrum(x: Float[np.ndarray, "rows width"]) -> tuple[Float[np.ndarray, "rows r"], Float[np.ndarray, "r"]]:
    """U and s of x x' = U diag(s) U', without the eigenvalues that are zero.

    A singular value decomposition gives the same, far slower where one side is short.
    """
    wide = x.shape[1] >= x.shape[0]
    values, vectors = np.linalg.eigh(x @ x.T if wide else x.T @ x)
    kept = values > values.max() * KEPT
    values, vectors = values[kept], vectors[:, kept]
    return (vectors if wide else x @ vectors / np.sqrt(values)), values
