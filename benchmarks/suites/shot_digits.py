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

from tlx import Suite

SOURCE_FREE = ("shot_im", "shot")

SUITE = Suite(
    name="shot-digits",
    tasks=("mnist->usps@P-full-pkl", "usps->mnist@P-full-pkl", "svhn_cropped->mnist@P-full-pkl"),
    strategies=("source_only", *SOURCE_FREE, "target_only"),
    backbone="shot_lenet",
    backbones={"svhn_cropped->mnist@P-full-pkl": "shot_dtn"},
    recipe="shot-digits",
    settings={
        **{f"mnist->usps@P-full-pkl {name}": {"pretrain": 0.889} for name in SOURCE_FREE},
        **{f"usps->mnist@P-full-pkl {name}": {"pretrain": 0.111, "augment": True} for name in SOURCE_FREE},
        **{f"svhn_cropped->mnist@P-full-pkl {name}": {"pretrain": 0.55} for name in SOURCE_FREE},
    },
    recipes={
        "mnist->usps@P-full-pkl source_only": {"steps": 28_140, "rounds": 30},
        "mnist->usps@P-full-pkl target_only": {"steps": 3_510, "rounds": 30},
        "usps->mnist@P-full-pkl": {"rounds": 30},
        "usps->mnist@P-full-pkl source_only": {"steps": 3_510},
        "usps->mnist@P-full-pkl target_only": {"steps": 28_140},
        "svhn_cropped->mnist@P-full-pkl": {"steps": 62_500, "rounds": 60},
        "svhn_cropped->mnist@P-full-pkl source_only": {"steps": 34_350, "rounds": 30},
        "svhn_cropped->mnist@P-full-pkl target_only": {"steps": 28_140, "rounds": 30},
    },
    seeds=3,
)

SHORT = replace(
    SUITE,
    name="shot-digits-short",
    recipe="shot-short",
    settings={
        **{f"mnist->usps@P-full-pkl {name}": {"pretrain": 0.75} for name in SOURCE_FREE},
        **{f"usps->mnist@P-full-pkl {name}": {"pretrain": 0.375, "augment": True} for name in SOURCE_FREE},
    },
    recipes={"source_only": {"steps": 3_000}, "target_only": {"steps": 3_000}},
)
