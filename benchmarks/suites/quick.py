"""Seven strategies on two shifts between handwritten digits, in minutes on two CPU cores and without a download.

What it shows: from MNIST to `optdigits` the writers, the scanner and the strokes change, and to `mnist5k_m` colour and
background do. A net that saw only the source fails on both; a method that aligns the two domains without a target label
gets part of the way to `target_only`, which was trained on the target's labels and is the bound.

What to expect: on mnist5k->optdigits, `mmd`, `coral`, `kl`, `dann` and `shot` are above `source_only` by more than
their intervals; on mnist5k->mnist5k_m nothing is in 400 steps. What falls below `source_only` is marked. The network
has no batch norm, so training with both domains in one pass, without a term, is `source_only` itself.

`dann` has the domain classifier of its paper's small network, 100 units, and Adam without momentum, which adversarial
games do badly with (Gidel et al., AISTATS 2019): with the recipe's 0.9 it gains nothing here.

How long: 14 runs of 5 seeds, about three minutes on two cores with AVX-512, compiling included.
"""

from tlx import Overrides, Suite

SUITE = Suite(
    name="quick",
    tasks=("mnist5k->optdigits", "mnist5k->mnist5k_m"),
    strategies=("source_only", "coral", "mmd", "kl", "dann", "shot", "target_only"),
    backbone="lenet",
    recipe="quick-plain",
    seeds=5,
    overrides=Overrides({"dann": {"settings": {"hidden": (100,)}, "recipe": {"beta1": 0.0}}}),
)

ALL = Suite(
    name="quick-all",
    tasks=("mnist5k->optdigits",),
    strategies=("all",),
    backbone="lenet",
    recipe="quick",
    seeds=3,
)
