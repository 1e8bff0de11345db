"""Priors of classes: the shares that the classes of a drawn dataset have. All are the same on every machine.

NumPy is imported where shares are computed, so that a protocol is listed without it. Shape vocabulary: classes C.
"""

import dataclasses
import hashlib
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tlx.errors import DataError

if TYPE_CHECKING:
    from tlx.data.shares import Shares


@dataclasses.dataclass(frozen=True)
class Dirichlet:
    """Random shares, p ~ Dirichlet(alpha, ..., alpha): the smaller alpha, the further from equal.

    Each class has a hash of its name as uniform number; the inverse distribution function makes a gamma variate of it.

    Raises:
        DataError: alpha is not above 0.

    Reference: Lipton, Wang, Smola, "Detecting and correcting for label shift with black box predictors", ICML 2018.
    """

    alpha: float

    def __post_init__(self):
        if not 0 < self.alpha < math.inf:
            raise DataError(f"Dirichlet prior: alpha {self.alpha}; expected more than 0.")

    def shares(self, classes: Sequence[str], salt: str) -> "Shares":
        """The share of each class, [C]."""
        import numpy as np
        from scipy.special import gammaincinv, gammaln

        uniform = np.array(_uniform(classes, salt))
        # P(alpha, x) = x^alpha / Gamma(alpha + 1) for small x, whose logarithm does not underflow
        logs = (np.log(uniform) + gammaln(self.alpha + 1)) / self.alpha
        gammas = gammaincinv(self.alpha, uniform)
        logs = np.where(gammas > 1e-30, np.log(np.maximum(gammas, 1e-300)), logs)
        powers = np.exp(logs - logs.max())
        return powers / powers.sum()


@dataclasses.dataclass(frozen=True)
class LongTail:
    """An exponential profile, p_c ~ ratio^(-c / (C - 1)): the first class has `ratio` times the rows of the last.

    With `reverse` the last class is the largest.

    Raises:
        DataError: the ratio is below 1.

    Reference: Cui et al., "Class-balanced loss based on effective number of samples", CVPR 2019.
    """

    ratio: float
    reverse: bool = False

    def __post_init__(self):
        if not 1 <= self.ratio < math.inf:
            raise DataError(
                f"Long-tailed prior: ratio {self.ratio} of the largest class to the least; expected 1 or more."
            )

    def shares(self, classes: Sequence[str], salt: str) -> "Shares":
        """The share of each class, [C]."""
        import numpy as np

        profile = self.ratio ** -np.linspace(0, 1, len(classes))
        return (profile[::-1] if self.reverse else profile) / profile.sum()


@dataclasses.dataclass(frozen=True)
class Pareto:
    """A power of the rank, p_c ~ rank_c^(-alpha), the ranks 1 to C in an order that the seed draws.

    alpha 0 gives equal shares. The order is that of a hash of each class's name.

    Raises:
        DataError: alpha is below 0.

    Reference: Tong et al., "Adversarial Support Alignment", ICLR 2022 (alpha 0 to 2).
    """

    alpha: float

    def __post_init__(self):
        if not 0 <= self.alpha < math.inf:
            raise DataError(f"Pareto prior: alpha {self.alpha}; expected 0 or more.")

    def shares(self, classes: Sequence[str], salt: str) -> "Shares":
        """The share of each class, [C]."""
        import numpy as np

        ranks = np.argsort(np.argsort(_uniform(classes, salt), kind="stable")) + 1.0
        return ranks**-self.alpha / np.sum(ranks**-self.alpha)


@dataclasses.dataclass(frozen=True)
class Tweaked:
    """One class has the share `share`; all others have equal parts of the rest.

    Raises:
        DataError: a share that is none, or a class that is not there.

    Reference: Lipton, Wang, Smola, ICML 2018 ("tweak-one shift").
    """

    cls: str
    share: float

    def __post_init__(self):
        if not 0 <= self.share <= 1:
            raise DataError(f"Tweaked prior of '{self.cls}': share {self.share}; expected 0 to 1.")

    def shares(self, classes: Sequence[str], salt: str) -> "Shares":
        """The share of each class, [C]."""
        import numpy as np

        if self.cls not in classes:
            raise DataError(f"Tweaked prior: no class '{self.cls}'; expected one of {', '.join(classes)}.")
        rest = (1 - self.share) / (len(classes) - 1) if len(classes) > 1 else 0.0
        return np.array([self.share if name == self.cls else rest for name in classes])


Prior = Dirichlet | LongTail | Pareto | Tweaked | tuple[float, ...]


def _uniform(classes: Sequence[str], salt: str) -> list[float]:
    """A number in (0, 1) for each class, of a hash of its name."""
    digests = [hashlib.sha256(f"{salt}:{name}".encode()).digest() for name in classes]
    return [(int.from_bytes(digest[:6], "big") + 0.5) / 2**48 for digest in digests]


def check_prior(prior: object) -> str | None:
    """What is wrong with a prior; None if it is one."""
    if not isinstance(prior, tuple):
        sound = isinstance(prior, Dirichlet | LongTail | Pareto | Tweaked)
        return (
            None if sound else f"prior is {prior!r}; expected Dirichlet, LongTail, Pareto, Tweaked or a list of shares"
        )
    if not all(isinstance(part, int | float) and 0 <= part <= 1 for part in prior) or abs(sum(prior) - 1) > 1e-6:
        return f"prior is {prior}; expected shares of 0 to 1 that sum to 1"
    return None
