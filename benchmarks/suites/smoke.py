"""Two strategies, one task, six steps: whether all parts work together.

What to expect: scores that mean nothing. How long: seconds.
"""

from tlx import Suite

SUITE = Suite(
    name="smoke",
    tasks=("mnist5k->optdigits",),
    strategies=("source_only", "coral"),
    backbone="mlp",
    recipe="smoke",
    seeds=2,
)
