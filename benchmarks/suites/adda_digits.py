"""ADDA with 2,000 MNIST and 1,800 USPS rows, and from SVHN to MNIST, with its LeNet and optimizer.

What it reproduces: Tzeng et al., "Adversarial Discriminative Domain Adaptation" (CVPR 2017), table 2 (`tlx reproduce
adda`). The repository has a script for SVHN -> MNIST alone, so the half of P-2000 is by the text; it is a mean over
draws in the paper, and over seeds on draw 0 here (P-2000.1 to P-2000.4 are others).

What to expect: re-runs of ADDA are up to ten points above the paper.

What it costs (estimated): a run of three seeds, 20,000 steps of 128 images on LeNet, is half an hour on two CPU cores;
`adda-digits-short` has a tenth of the steps. SVHN is a download of 250 MB.
"""

from dataclasses import replace

from tlx import Overrides, Suite

SUITE = Suite(
    name="adda-digits",
    tasks=("mnist->usps@P-2000", "usps->mnist@P-2000", "svhn_cropped->mnist@P-ADDA"),
    strategies=("source_only", "dann", "domain_confusion", "adda"),
    backbone="lenet",
    recipe="adda-digits",
    overrides=Overrides({"source_only": {"recipe": {"steps": 10_000}}}),
    seeds=3,
)

SHORT = replace(
    SUITE,
    name="adda-digits-short",
    recipe="adda-short",
    overrides=Overrides({"source_only": {"recipe": {"steps": 1_000}}}),
)
