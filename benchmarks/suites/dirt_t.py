"""VADA and DIRT-T from MNIST to MNIST-M, and between CIFAR-10 and STL-10, with and without instance-normalised input.

What it reproduces: those columns of Shu et al., "A DIRT-T Approach to Unsupervised Domain Adaptation" (ICLR 2018),
tables 1 and 4 (`tlx reproduce dirt-t`), with the paper's small network at 32x32 RGB for digits and its large one for
objects. 80,000 steps of VADA, and for `dirt_t` as many again, the teacher renewed every 5,000.

What to expect: DIRT-T's runs are up to six points apart in its own logs.

What it costs (estimated): a run of three seeds is an hour or two on an accelerator, out of reach without one. STL-10 is
a download of 2.6 GB.
"""

from dataclasses import replace

from tlx import Overrides, Suite

LONGER = {"recipe": {"steps": 160_000, "rounds": 32}}

SUITE = Suite(
    name="dirt-t",
    tasks=("mnist->mnist_m@P-32", "cifar10->stl10", "stl10->cifar10"),
    strategies=("source_only", "dann", "vada", "dirt_t"),
    backbone="dirt_t_large_in",
    recipe="dirt-t",
    overrides=Overrides(
        {
            "mnist->mnist_m@P-32": {"backbone": "dirt_t_small_in"},
            "dann": {"settings": {"hidden": (100,)}},
            "dirt_t": LONGER,
        }
    ),
    seeds=3,
)

PLAIN = replace(
    SUITE,
    name="dirt-t-plain",
    strategies=("source_only", "vada", "dirt_t"),
    backbone="dirt_t_large",
    overrides=Overrides({"mnist->mnist_m@P-32": {"backbone": "dirt_t_small"}, "dirt_t": LONGER}),
)
