"""CDAN's own code on digits: MNIST, USPS, SVHN, with LeNet and DTN.

What it reproduces: Long et al., "Conditional Adversarial Domain Adaptation" (NeurIPS 2018), by the scripts of its
repository. The rate is halved every 5 epochs (every 6 from USPS; times 0.3 every 3 from SVHN). The reversed gradient
counts 2 / (1 + exp(-10 t / 10000)) - 1 at step t. There the adversarial loss starts in the second epoch, from SVHN in
the first, and the discriminator has dropout; here it starts at once, and has batch norm.

What to expect: `cdan` above `dann`, both far above `source_only`.

What it costs (estimated): 3 methods x 3 tasks x 3 seeds of 46,850 steps of 64 + 64 images: hours on two CPU cores. SVHN
is a download of 250 MB.
"""

from tlx import Overrides, Suite

SUITE = Suite(
    name="cdan-digits",
    tasks=("mnist->usps", "usps->mnist", "svhn_cropped->mnist"),
    strategies=("source_only", "dann", "cdan"),
    backbone="lenet_dropout",
    recipe="cdan-digits",
    overrides=Overrides(
        {
            "usps->mnist": {"recipe": {"power": 8.0}},
            "svhn_cropped->mnist": {"backbone": "dtn", "recipe": {"lr": 0.03, "gamma": 0.3, "power": 16.0}},
            "cdan": {"settings": {"gamma": 46.85, "hidden": (500, 500), "entropy": True}},
            "dann": {"settings": {"gamma": 46.85, "hidden": (500, 500)}},
        }
    ),
    seeds=3,
)
