"""Methods at test time on one shift, its test rows met shuffled and in runs of a class, in minutes on two CPU cores.

What it shows: a method that trusts a batch's own statistics (`bn_adapt`, `tent`) gains where each batch has all
classes, and loses more than it gained where it has one or two; a memory that is balanced by class (`rotta`, `note`)
holds on both. The two protocols differ in the order of the test rows alone (P-5k-correlated: Dirichlet 0.1).

What to expect: on the shuffled stream `tent` and `bn_adapt` are above `source_only` by more than their intervals; on
the correlated one they are below it, and `rotta` and `note` above them by more than the intervals. `source_only` is the
same on both, as it sees no order. `rotta` gains four points on either; `note` is `source_only` and a point, as its
statistics move by 0.01 a batch and the stream has 16 batches.

How long: 10 runs of 5 seeds, about 2.5 minutes on two cores with AVX-512.
"""

from tlx import Suite

SUITE = Suite(
    name="quick-stream",
    tasks=("mnist5k->mnist5k_m", "mnist5k->mnist5k_m@P-5k-correlated"),
    strategies=("source_only", "bn_adapt", "tent", "rotta", "note"),
    backbone="lenet_bn",
    recipe="quick-plain",
    seeds=5,
)
