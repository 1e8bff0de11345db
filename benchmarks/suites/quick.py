"""Seven strategies on two shifts between handwritten digits, in minutes on two CPU cores and without a download.

What it shows: from MNIST to `optdigits` the writers, the scanner and the strokes change, and to `mnist5k_m` colour and
background do. A net that saw only the source fails on both; a method that aligns the two domains without a target label
gets part of the way to `target_only`, which was trained on the target's labels and is the bound.

What to expect: on mnist5k->optdigits, `mmd` and `dann` are at least 0.30 above `source_only` at the last step. Not
every method helps everywhere: what falls below `source_only` is marked.

How long: 14 runs of 3 seeds, less than 3 minutes on two cores with AVX-512, less than 6 without the kernels.
"""

from tlx import Suite

SUITE = Suite(
    name="quick",
    tasks=("mnist5k->optdigits", "mnist5k->mnist5k_m"),
    strategies=("source_only", "coral", "mmd", "kl", "dann", "shot", "target_only"),
    backbone="lenet",
    recipe="quick",
    seeds=3,
)
