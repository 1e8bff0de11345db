"""An open set in minutes: the source has the digits 0 to 4, the target all ten, and 5 to 9 are one class, the unknown.

What it shows: a closed-set method takes every unknown digit for one that it knows, so that its H-score, the harmonic
mean of the recalls of known and unknown, is 0, however well it aligns. The thresholds on entropy and energy after
source-only training, and on entropy after `dann`, are the bounds of the open-set methods.

The rule by which its settings were chosen, before it was run: the recipe, network and steps of `quick`, and every
method with its default settings, which are its paper's.
"""

from tlx import Suite

SUITE = Suite(
    name="quick-open",
    tasks=("mnist5k->optdigits@P-5k-open",),
    strategies=("source_only", "dann", "max_entropy", "max_energy", "dann+max_entropy", "osbp", "ovanet", "dance",
                "sta"),
    backbone="lenet",
    recipe="quick-plain",
    seeds=5,
)  # fmt: skip
