"""Six shifts between digit sets, with TLLib's networks and recipe: MNIST, USPS, SVHN, MNIST-M, SynDigits.

What it reproduces: TLLib's own re-run of its methods (its git history, 40df20b), the best epoch on the target's test
images, seed 0, in percent. To be compared with selection `oracle` here; `last` and `source-val` need no target label.

| | source only | DANN | DAN (`mmd`) | ADDA | MCD |
|---|---|---|---|---|---|
| mnist->usps | 82.1 | 91.7 | 86.0 | 94.5 | 94.1 |
| usps->mnist | 74.6 | 95.2 | 89.5 | 98.3 | 97.6 |
| svhn_cropped->mnist | 74.1 | 90.8 | 82.1 | 93.3 | 90.6 |

LeNet at 28x28 grey for the first two, under P-full-off; DTN at 32x32 RGB for those with SVHN, under P-sv-bal where
SVHN is the source. The learning rates are TLLib's, by task and method. For mnist->svhn_cropped, mnist->mnist_m and
syn_digits->svhn_cropped it has none: there they are those of mnist->usps, and the papers' numbers (DANN: 35.7, 76.7
to 81.5, 91.1) are of other networks.

What to expect: on mnist->usps published source-only figures go from 49.5 to 94.2, by network, augmentation and
length; judge a method by its gain over `source_only` of this table. mnist->svhn_cropped is hard and varies by several
points between seeds. `coral` and `shot` run under the same recipe and are not from TLLib. TLLib's MCD adds an entropy
term of weight 0.03, which `mcd` has not.

What it costs (estimated): 8 methods x 6 tasks x 3 seeds of 50,000 steps of 128 + 128 images are hours on an
accelerator and days on two CPU cores (there: suite `digits-short`). SVHN is a download of 250 MB, and SynDigits is on
no stable host; a task whose data are absent is reported, and the rest runs. `digits-smoke` takes six steps.
"""

from dataclasses import replace

from tlx import Suite

SUITE = Suite(
    name="digits",
    tasks=(
        "mnist->usps",
        "usps->mnist",
        "svhn_cropped->mnist",
        "mnist->svhn_cropped",
        "mnist->mnist_m",
        "syn_digits->svhn_cropped",
    ),
    strategies=("source_only", "mmd", "coral", "dann", "adda", "mcd", "shot", "target_only"),
    backbone="lenet",
    backbones={name: "dtn" for name in ("svhn_cropped->mnist", "mnist->svhn_cropped", "syn_digits->svhn_cropped")},
    recipe="tllib-digits",
    settings={"mmd": {"estimator": "linear"}, "mcd": {"weight": 0.3}},
    recipes={
        "source_only": {"weight_decay": 0.0005, "gamma": 15.0},
        "target_only": {"weight_decay": 0.0005, "gamma": 15.0},
        "mmd": {"weight_decay": 0.0005, "gamma": 15.0},
        "mcd": {"bottleneck": 1024},
        "usps->mnist": {"lr": 0.1},
        "svhn_cropped->mnist source_only": {"lr": 0.1},
        "svhn_cropped->mnist dann": {"lr": 0.03},
        "svhn_cropped->mnist adda": {"lr": 0.03},
        "svhn_cropped->mnist mcd": {"lr": 0.03},
    },
    seeds=3,
)

SHORT = replace(
    SUITE,
    name="digits-short",
    recipe="digits-short",
    recipes={},
)

SMOKE = replace(
    SUITE,
    name="digits-smoke",
    strategies=("source_only", "dann"),
    settings={},
    recipe="smoke",
    recipes={},
    seeds=2,
)
