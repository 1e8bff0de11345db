"""SHOT between MNIST and USPS, and from SVHN to MNIST: source-free, with its own networks.

What it reproduces: results.md of tim-learn/SHOT, three seeds, the last epoch (`tlx reproduce shot-digits`), under
P-full-pkl. USPS's pickle is on no stable host: its 7,438/1,860 rows are drawn anew here. A run has 30 epochs of the
source and 30 of the target, and as these are of different length, the source's share is 0.889 from MNIST to USPS
and 0.111 back. From USPS to MNIST the source is augmented by crops and rotations, as in the code.

What to expect: `shot` and `shot_im` near 98, far above `source_only`, which varies by several points between seeds and
has no label smoothing here. Pseudo-labels are renewed each round, 20 times in 30 epochs on the way to USPS.

What it costs (estimated): a run of three seeds, 31,650 steps of 64 images on LeNet, is a quarter of an hour on two CPU
cores and a minute on an accelerator; `shot-digits-short` has 4,000 steps. SVHN is a download of 250 MB.
"""

from dataclasses import replace
from typing import Any

from tlx import Overrides, Suite

SOURCE_FREE = ("shot_im", "shot")
MNIST, USPS, SVHN = (f"{pair}@P-full-pkl" for pair in ("mnist->usps", "usps->mnist", "svhn_cropped->mnist"))


def _pretrain(settings: dict[str, dict[str, Any]]) -> Overrides:
    """Settings of the source-free methods, by task."""
    return Overrides({f"{task} {name}": {"settings": settings[task]} for task in settings for name in SOURCE_FREE})


SUITE = Suite(
    name="shot-digits",
    tasks=(MNIST, USPS, SVHN),
    strategies=("source_only", *SOURCE_FREE, "target_only"),
    backbone="shot_lenet",
    recipe="shot-digits",
    overrides=_pretrain(
        {MNIST: {"pretrain": 0.889}, USPS: {"pretrain": 0.111, "augment": True}, SVHN: {"pretrain": 0.55}}
    )
    | {
        f"{MNIST} source_only": {"recipe": {"steps": 28_140, "rounds": 30}},
        f"{MNIST} target_only": {"recipe": {"steps": 3_510, "rounds": 30}},
        USPS: {"recipe": {"rounds": 30}},
        f"{USPS} source_only": {"recipe": {"steps": 3_510}},
        f"{USPS} target_only": {"recipe": {"steps": 28_140}},
        SVHN: {"backbone": "shot_dtn", "recipe": {"steps": 62_500, "rounds": 60}},
        f"{SVHN} source_only": {"recipe": {"steps": 34_350, "rounds": 30}},
        f"{SVHN} target_only": {"recipe": {"steps": 28_140, "rounds": 30}},
    },
    seeds=3,
)

SHORT = replace(
    SUITE,
    name="shot-digits-short",
    recipe="shot-short",
    overrides=_pretrain({MNIST: {"pretrain": 0.75}, USPS: {"pretrain": 0.375, "augment": True}})
    | {name: {"recipe": {"steps": 3_000}} for name in ("source_only", "target_only")}
    | {SVHN: {"backbone": "shot_dtn"}},
)
