"""The tables that `tlx reproduce` runs, and how near ours has to come.

The tolerances of TLLib, SHOT, KL and SimCLR are suggestions for runs of the same recipe and network. Those of the
others are set here: no less than the spread that their papers print.
"""

from pathlib import Path

from tlx import Overrides, PaperTable

HERE = Path(__file__).parent

TLLIB_DIGITS = PaperTable(
    name="tllib-digits",
    literature=HERE / "tllib_digits.yaml",
    selection="oracle",
    tolerance=3.0,
    overrides=Overrides({"svhn_cropped->mnist": {"tolerance": 5.0}}),
    suites={"full": ("digits",), "short": ("digits-short",)},
)
"""TLLib chose the best epoch on the target's test images: `oracle` here. SVHN's balanced rows are drawn anew."""

KL_BASELINES = Overrides({name: {"tolerance": 5.0} for name in ("source_only", "dann", "mmd", "coral", "wdgrl")})

KL_DIGITS = PaperTable(
    name="kl-digits",
    literature=HERE / "kl_digits.yaml",
    selection="source-val",
    tolerance=1.5,
    overrides=KL_BASELINES,
    suites={"full": ("kl-digits",), "short": ("kl-digits-short",)},
)

KL_ROTATED_MNIST = PaperTable(
    name="kl-rotated-mnist",
    literature=HERE / "kl_rotated_mnist.yaml",
    selection="source-val",
    tolerance=1.5,
    overrides=KL_BASELINES,
    suites={"full": ("kl-rotated-mnist",), "short": ("kl-rotated-mnist-short",)},
)
"""The short budget has a network that a CPU can carry: an ablation, not the paper's cells."""

DOMAINBED_DIGITS = PaperTable(
    name="domainbed-digits",
    literature=HERE / "domainbed_digits.yaml",
    selection="source-val",
    tolerance=1.0,
    overrides=Overrides(
        {
            f"colored_mnist:{first}+colored_mnist:{second}->colored_mnist:{target}": {"tolerance": 3.0}
            for first, second, target in (("80", "-90", "90"), ("90", "-90", "80"), ("90", "80", "-90"))
        }
    ),
    suites={
        "full": ("rotated-mnist-dg", "colored-mnist"),
        "short": ("rotated-mnist-dg-short", "colored-mnist-short"),
    },
    missing="no strategy of tlx is this method without the target",
)
"""Theirs is the best of 20 settings drawn at random, and ours the default one. Noisy labels spread ColoredMNIST's."""

SHOT_DIGITS = PaperTable(
    name="shot-digits",
    literature=HERE / "shot_digits.yaml",
    selection="last",
    tolerance=0.7,
    overrides=Overrides({"source_only": {"tolerance": 5.0}}),
    suites={"full": ("shot-digits",), "short": ("shot-digits-short",)},
)
"""Source-only varies by five points between SHOT's own three seeds, so it has that tolerance."""

DIRT_T = PaperTable(
    name="dirt-t",
    literature=HERE / "dirt_t.yaml",
    selection="last",
    tolerance=3.0,
    suites={"full": ("dirt-t", "dirt-t-plain")},
    tasks=("mnist->mnist_m", "cifar10->stl10", "stl10->cifar10"),
    variants={"dirt-t-plain": "no instance norm"},
    missing="quoted by the paper from others, or no suite of the table runs it",
)
"""The last step is held against theirs: 1,000 labelled target images chose their settings, and not the step."""

ADDA = PaperTable(
    name="adda",
    literature=HERE / "adda.yaml",
    selection="last",
    tolerance=3.5,
    suites={"full": ("adda-digits",), "short": ("adda-digits-short",)},
)

SELF_ENSEMBLING = PaperTable(
    name="self-ensembling",
    literature=HERE / "self_ensembling.yaml",
    selection="last",
    tolerance=2.0,
    suites={"full": ("self-ensembling",), "short": ("self-ensembling-short",)},
    variants={"self-ensembling": "MT+CT+TFA", "self-ensembling-short": "MT+CT+TFA"},
    missing="no suite of the table runs this augmentation and network",
)

OSBP_DIGITS = PaperTable(
    name="osbp-digits",
    literature=HERE / "osbp_digits.yaml",
    selection="last",
    tolerance=5.0,
    suites={"full": ("osbp-digits",), "short": ("osbp-digits-short",)},
)
"""The public code is 4 to 18 points from the paper, and its owner reports 4 to 5 between augmentations."""

ASA_DIGITS = PaperTable(
    name="asa-digits",
    literature=HERE / "asa_digits.yaml",
    selection="last",
    tolerance=5.0,
    suites={"full": ("asa-digits", "asa-digits-squared"), "short": ("asa-digits-short", "asa-digits-squared-short")},
    variants={"asa-digits-squared": "squared", "asa-digits-squared-short": "squared"},
    missing="no suite of the table runs it with the repository's VAT and entropy",
)
"""The published runs' standard deviations are up to 7 points at alpha 1.5 and 2, and 0.1 to 4 at alpha 0."""

IWDAN_DIGITS = PaperTable(
    name="iwdan-digits",
    literature=HERE / "iwdan_digits.yaml",
    selection="last",
    tolerance=3.0,
    suites={"full": ("iwdan-digits",), "short": ("iwdan-digits-short",)},
)
"""Means over both directions. Their spread was not at hand; three points are what TLLib's digits are held to."""

NOTE_CIFAR10_C = PaperTable(
    name="note-cifar10-c",
    literature=HERE / "note_cifar10_c.yaml",
    selection="last",
    tolerance=3.0,
    suites={
        "full": ("note-cifar10-c", "note-cifar10-c-star"),
        "short": ("note-cifar10-c-short", "note-cifar10-c-star-short"),
    },
    variants={"note-cifar10-c-star": "NOTE*", "note-cifar10-c-star-short": "NOTE*"},
)
"""The published standard deviations are up to 2.7 points."""

SIMCLR_B5_CIFAR10 = PaperTable(
    name="simclr-b5-cifar10",
    literature=HERE / "simclr_b5_cifar10.yaml",
    selection="last",
    tolerance=0.5,
    overrides=Overrides({"feature_extraction": {"tolerance": 1.0}}),
    missing="no suite runs it: it needs ResNet-50 with ImageNet weights at 224 pixels",
)

FEW_SHOT_DIGITS = PaperTable(
    name="few-shot-digits",
    literature=HERE / "few_shot_digits.yaml",
    selection="oracle",
    tolerance=0.5,
    overrides=Overrides(
        {
            f"mnist->usps/{shots} {method}": {"tolerance": tolerance}
            for method, tolerances in {
                "ccsa": (0.66, 0.54, 0.25, 0.23),
                "d_sne": (1.08, 0.77, 0.31, 0.39),
                "dage": (1.13, 0.33, 0.26, 0.19),
            }.items()
            for shots, tolerance in zip((1, 3, 5, 7), tolerances, strict=True)
        }
    ),
    suites={"full": ("few-shot-digits",)},
)
"""The tolerances are two standard errors of the published runs, 2 s / sqrt(10)."""
