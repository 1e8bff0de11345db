"""CIFAR-10 and STL-10, both ways, by the nine classes that they share.

What it reproduces: the rows without consistency losses of Shu et al., "A DIRT-T Approach to Unsupervised Domain
Adaptation" (ICLR 2018), in percent, with instance-normalised input; a thousand labelled target images chose their
settings. P-CS.

| | cifar10->stl10 | stl10->cifar10 |
|---|---|---|
| source only | 77.0 | 62.6 |
| DANN (theirs) | 78.1 | 62.7 |
| VADA | 78.3 | 71.4 |
| Pi-model (French et al.) | 76.3 | 64.2 |

With VADA's large network and its optimizer; its average of the weights is left out.

What to expect: the domains are near, so gains are small, and a method may fall below `source_only`, from STL's 4,500
images above all. `mean_teacher` is the relative of the Pi-model here.

What it costs (estimated): 6 methods x 2 tasks x 3 seeds of 80,000 steps of a convolutional network of 96 and 192
channels: the better part of a day on an accelerator, out of reach without one. STL-10 is a download of 2.6 GB.
`cifar-stl-smoke` takes six steps of a small network.
"""

from dataclasses import replace

from tlx import Suite

SUITE = Suite(
    name="cifar-stl",
    tasks=("cifar10->stl10", "stl10->cifar10"),
    strategies=("source_only", "coral", "mmd", "dann", "mean_teacher", "target_only"),
    backbone="dirt_t_large_in",
    recipe="dirt-t",
    seeds=3,
)

SMOKE = replace(
    SUITE,
    name="cifar-stl-smoke",
    strategies=("source_only", "dann"),
    backbone="lenet",
    recipe="smoke",
    seeds=2,
)
