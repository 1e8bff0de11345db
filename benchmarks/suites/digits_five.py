"""Digit-Five, four digit sets to the fifth: MNIST, MNIST-M, SVHN, SynDigits, USPS.

What it reproduces: the table of Peng et al., "Moment Matching for Multi-Source Domain Adaptation" (ICCV 2019), with the
recipe of its code: Adam 2e-4, weight decay 5e-4, 128 images of each source, 20,000 steps. Protocol P-D5: 32x32 RGB, all
rows, where the code draws 25,000 train and 9,000 test rows of each set but USPS. The figures below, target accuracy in
percent, are copied in later papers: MDAN and M3SDA in the README of tuanrpt/MOST, the others in the paper of Multi-EPL,
whose runs have LeNet-5 and Adam 4e-4. How they were selected is not said; use `last` here.

| | MNIST-M | MNIST | USPS | SVHN | SynDigits | mean |
|---|---|---|---|---|---|---|
| sources combined (`source_only`) | 61.7 | 97.6 | 81.6 | 75.2 | 80.3 | 79.3 |
| MDAN | 69.5 | 98.0 | 92.4 | 69.2 | 87.4 | 83.3 |
| M3SDA | 72.8 | 98.4 | 96.1 | 81.3 | 89.6 | 87.7 |
| M3SDA-beta, Multi-EPL's run | 72.5 | 99.0 | 97.4 | 81.4 | 89.5 | 88.0 |

The network is `mcd_digits`, whose features have 3,072 units and a classifier of 2,048 under them; M3SDA's code counts
those 2,048 as features. The target has as many rows in a batch as all sources, 512, where the code has 128. `mdan` has
its own paper's settings, and all methods this recipe.

What to expect: MNIST and USPS are near their bound for every method. MNIST-M and SVHN tell methods apart, and there
`source_only` on the union is lowest. A method that takes the sources as one (`dann`, `mmd`, `mcd`) is a baseline here,
and `mfsan`, whose paper has no digits, has no figure.

What it costs (estimated): 7 methods x 5 tasks x 3 seeds of 20,000 steps of 512 + 512 images on a network of 31 million
parameters: some days on an accelerator, out of reach without one. The files of Digit-Five are on no stable host: P-D5
takes them from plugins that bring `digit_five.mnist` and so on, and without them each task is reported as absent, and
nothing runs. `tlx bench digits-five --tasks TASK@P-32` takes the sets as they are; SVHN is a download of 250 MB, and
SynDigits is on no stable host. `digits-five-smoke` takes six steps on small stand-ins, under P-32.
"""

from dataclasses import replace

from tlx import Suite

SETS = ("mnist_m", "mnist", "usps", "svhn_cropped", "syn_digits")

SUITE = Suite(
    name="digits-five",
    tasks=tuple(f"{'+'.join(other for other in sorted(SETS) if other != name)}->{name}@P-D5" for name in SETS),
    strategies=("source_only", "dann", "mmd", "mcd", "mdan", "m3sda", "mfsan"),
    backbone="mcd_digits",
    recipe="m3sda-digits",
    seeds=3,
)

SMOKE = replace(
    SUITE,
    name="digits-five-smoke",
    tasks=(
        "mnist5k_fifth+mnist5k_m+mnist5k_rest+usps->optdigits@P-32",
        "mnist5k_fifth+mnist5k_m+mnist5k_rest+optdigits->usps@P-32",
    ),
    strategies=("source_only", "mdan", "m3sda", "mfsan"),
    backbone="lenet",
    recipe="smoke",
    seeds=2,
)
"""Small sets of packages and USPS: the five are not to be had in general."""
