"""USPS to MNIST whose classes are unequally frequent: alignment of supports beside alignment of distributions.

What it reproduces: USPS -> MNIST of Tong et al., "Adversarial Support Alignment" (ICLR 2022), with the figures that its
repository stores (`tlx reproduce asa-digits`), under P-ASA-ALPHA: the source's classes are alike, those of the target
have shares rank^-alpha. Network and recipe are the repository's: LeNet with dropout, SGD 0.02 with momentum 0.9
for 65,000 steps of 64 + 64 images, whose rate falls along a line from step 30,000 to 60,000, and not for the
discriminator; the alignment's weight grows over 10,000 steps, for the reversed gradient by `gamma` 13; weights of
classes are renewed every 5,000 steps, as the names of the stored runs say (the repository's configuration has 1,000).

Where it is not theirs: the methods that derive from `dann` have one step for discriminator and features, with the
gradient reversed, where the repository trains them in turns, DANN's features on inverted labels; and their
discriminator has batch norm. That of `asa` has none. Seeds share one draw of the rows and of the classes' ranks.

What to expect: at alpha 0 DANN and its kin near 97 and ASA near 94; at alpha 2 DANN below source only, ASA near 89.

What it costs (estimated): 65,000 steps on LeNet are one to two hours of two CPU cores for a seed, minutes on an
accelerator; `asa-digits-short` has 1,000 steps.
"""

from dataclasses import replace

from tlx import Overrides, Suite

ALPHAS = ("0", "1", "1.5", "2")
REVERSED = ("dann", "iwdan", "iwcdan", "sdann")

SUITE = Suite(
    name="asa-digits",
    tasks=tuple(f"usps->mnist@P-ASA-{alpha}" for alpha in ALPHAS),
    strategies=("source_only", *REVERSED, "asa"),
    backbone="lenet_dropout",
    recipe="asa-digits",
    overrides=Overrides({name: {"settings": {"gamma": 13.0, "hidden": (512, 512)}} for name in REVERSED}),
    seeds=5,
)

SQUARED = replace(
    SUITE,
    name="asa-digits-squared",
    strategies=("asa",),
    overrides=Overrides({"asa": {"settings": {"distance": "squared"}}}),
)

SHORT = replace(SUITE, name="asa-digits-short", recipe="asa-short", seeds=3)

SQUARED_SHORT = replace(SQUARED, name="asa-digits-squared-short", recipe="asa-short", seeds=3)
