"""Self-ensembling between MNIST and USPS: mean teacher, confidence threshold, affine augmentation ("MT+CT+TFA").

What it reproduces: those cells of French et al., "Self-ensembling for visual domain adaptation" (ICLR 2018), with the
network and optimizer of the repository (`tlx reproduce self-ensembling`). Its other rows have another augmentation or,
for SVHN, CIFAR and STL, another network, and are not run.

What to expect: both directions above 98.

What it costs (estimated): a run of three seeds, 70,500 steps of 256 + 256 images, is half an hour on an accelerator and
most of a day on two CPU cores; `self-ensembling-short` has 2,000 steps of 128.
"""

from dataclasses import replace

from tlx import Suite

SUITE = Suite(
    name="self-ensembling",
    tasks=("mnist->usps", "usps->mnist"),
    strategies=("mean_teacher",),
    backbone="french_digits",
    recipe="french-digits",
    seeds=3,
)

SHORT = replace(SUITE, name="self-ensembling-short", recipe="french-short")
