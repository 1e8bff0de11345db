"""A partial task in minutes: the source has all ten digits, the target 0 to 4 alone.

What it shows: `dann` and `mmd` align the target with all ten digits of the source, and so draw target rows to digits
that are not there: they fall below `source_only`. `ba3us`, which weighs the source's classes and fills the target's
batches up with source rows, is above both, and above `source_only`.

What to expect: at the last step, of 5 seeds, `ba3us` has 0.74, above `source_only` (0.63), `mmd` (0.56) and `dann`
(0.55) by more than the intervals. `dance` (0.71) and `iwan` (0.68) are above `mmd` and `dann`; `pada` has 0.37.

The rule by which its settings were chosen: recipe, network and steps of `quick`, and every method with its default
settings, but for `quick`'s small critic and Adam without momentum, which all four adversarial methods have. The task
was chosen with its scores in view, of two: see benchmarks/results/quick-partial.md.
"""

from tlx import Overrides, Suite

SMALL_CRITIC = {"settings": {"hidden": (100,)}, "recipe": {"beta1": 0.0}}  # as in `quick`

SUITE = Suite(
    name="quick-partial",
    tasks=("optdigits->mnist5k@P-5k-partial",),
    strategies=("source_only", "dann", "mmd", "pada", "iwan", "ba3us", "dance"),
    backbone="lenet",
    recipe="quick-plain",
    overrides=Overrides({name: SMALL_CRITIC for name in ("dann", "pada", "iwan", "ba3us")}),
    seeds=5,
)
