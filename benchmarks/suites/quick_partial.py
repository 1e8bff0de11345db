"""A partial task in minutes: the source has all ten digits, the target 0 to 4 alone.

What it shows: `dann` and `mmd` align the target with all ten digits of the source, and so draw target rows to digits
that are not there: they fall below `source_only`. `pada` and `ba3us` weigh the source's classes and `iwan` its rows, so
that the digits that the target lacks count less; `dance` draws target rows to each other and aligns no domains.

What to expect: at the last step, of 5 seeds, `dance` has 0.85, above `dann` (0.69) and `mmd` (0.75) by more than the
intervals, and not above `source_only` (0.82). `iwan` (0.79) is above `dann`; `pada` has 0.55.

The rule by which its settings were chosen, before it was run: the recipe, network and steps of `quick`, and every
method with its default settings, which are its paper's.
"""

from tlx import Suite

SUITE = Suite(
    name="quick-partial",
    tasks=("mnist5k->optdigits@P-5k-partial",),
    strategies=("source_only", "dann", "mmd", "pada", "iwan", "ba3us", "dance"),
    backbone="lenet",
    recipe="quick-plain",
    seeds=5,
)
