"""An open set in minutes: the source has the digits 0 to 4, the target all ten, and 5 to 9 are one class, the unknown.

What it shows: a closed-set method takes every unknown digit for one that it knows, so that its H-score, the harmonic
mean of the recalls of known and unknown, is 0, however well it aligns. `osbp` learns where the unknown begins. The
thresholds on probability, entropy and energy after source-only training, and on entropy after `dann`, are the bounds.

What to expect: on mnist5k->optdigits `osbp` (.58) is above `source_only` by more than its interval at the last
step.
"""

from tlx import Suite

SUITE = Suite(
    name="quick-open",
    tasks=("mnist5k->optdigits@P-5k-open",),
    strategies=("source_only", "dann", "max_probability", "max_entropy", "max_energy", "dann+max_entropy", "osbp",
                "ovanet"),
    backbone="lenet",
    recipe="quick",
    seeds=5,
)  # fmt: skip
