"""MCD's own code on digits: MNIST, USPS, SVHN, with its networks.

What it reproduces: Saito et al., "Maximum Classifier Discrepancy for Unsupervised Domain Adaptation" (CVPR 2018), by
the repository: 200 epochs of Adam 2e-4, 128 + 128 images. An epoch is one of 2,000 MNIST images (P-2000), 15 steps;
from SVHN one of 60,000, 469 steps.

What to expect: `mcd` far above `source_only` in all directions.

What it costs (estimated): the half of P-2000 takes minutes on two CPU cores; 93,800 steps from SVHN take a day there.
SVHN is a download of 250 MB.
"""

from tlx import Overrides, Suite

SUITE = Suite(
    name="mcd-digits",
    tasks=("mnist->usps@P-2000", "usps->mnist@P-2000", "svhn_cropped->mnist"),
    strategies=("source_only", "mcd"),
    backbone="mcd_usps",
    recipe="mcd-digits",
    overrides=Overrides({"svhn_cropped->mnist": {"backbone": "mcd_digits", "recipe": {"steps": 93_800}}}),
    seeds=3,
)
