"""Ten strategies where the classes' shares differ between source and target, in minutes on two CPU cores.

What it shows: all digits are of MNIST, so nothing but the shares changes. From equal shares to a target of which 7 in
10 rows are threes, a net that saw the source alone errs by its source's shares, and aligning the domains (`dann`) makes
it worse; correcting the predictions by shares estimated without labels (`bbse`, `rlls`, `mlls`) helps. From a long
tail to equal shares the same corrections help, and so does learning for equal shares: `rs`, `logit_adjustment`, `ldam`.

What to expect: at the last step `mlls` is above `source_only` and `dann+rs+rw` above `dann` by more than both
intervals, on both tasks. `rs` and `logit_adjustment` are above `source_only` on the second alone; `ldam` is on both, as
its normalised classifier learns faster from few rows.
`mean_per_class` tells what a correction costs: with 7 in 10 threes it gives rare classes up.

How long: 20 runs of 5 seeds, about 3 minutes on two cores with AVX-512.
"""

from tlx import Suite

SUITE = Suite(
    name="quick-prior",
    tasks=("mnist5k_fifth->mnist5k_rest", "mnist5k_rest->mnist5k_fifth"),
    strategies=(
        "source_only", "dann", "bbse", "rlls", "mlls", "iwdan", "dann+rs+rw", "rs", "logit_adjustment", "ldam",
    ),
    backbone="lenet",
    recipe="quick-prior",
    seeds=5,
)  # fmt: skip
