"""The recipes of the suites: what is common to all methods of a paper or a code base. A suite changes single fields."""

from tlx import Recipe

DEFAULT = Recipe(name="default")
QUICK = Recipe(name="quick", lr=0.01, weight_decay=0.001, batch=32, steps=400, rounds=5)
SMOKE = Recipe(name="smoke", lr=0.05, batch=16, steps=6, rounds=2)


def tllib_digits(name: str, steps: int, rounds: int) -> Recipe:
    """TLLib's digits scripts, stopped after `steps`: what they count by the step is in parts of the whole run here."""
    warm = {"settings": {"gamma": steps / 1000}}  # the reversed gradient counts 2 / (1 + exp(-t / 1000)) - 1 at step t
    # a decay of 3e-4 or 2e-4 a step, rather than 1e-3
    slow = {"weight_decay": 0.0005, "gamma": steps * 3 / 10_000}
    slower = {"weight_decay": 0.0005, "gamma": steps * 2 / 10_000}
    constant = {"weight_decay": 0.0005, "schedule": "constant", "nesterov": False}
    svhn, usps = "svhn_cropped->mnist", "usps->mnist"
    by = {
        "source_only": {**slow, "bottleneck": 0},
        "target_only": {**slow, "bottleneck": 0},
        "mmd": {**slow, "settings": {"estimator": "linear", "norm": "separate"}},
        "jan": slow,
        "dann": warm,
        "cdan": warm,
        "adda_joint": warm,
        "mdd": {**slower, **warm, "bottleneck": 1024},
        "afn+entropy_min": {
            **constant,
            "bottleneck": 1000,
            "rates": (("*/features/backbone/*", 0.1),),
            "settings": {"norm": "separate", "afn.step": 0.3, "entropy_min.weight": 0.03},
        },
        "dann+bsp": {"settings": {"dann.gamma": steps / 1000, "bsp.weight": 1e-4}},
        "mcd": {
            **constant,
            "bottleneck": 0,
            "rates": (("*/features/*", 0.1),),
            "settings": {"weight": 0.3, "balance": 0.03},
        },
        usps: {"lr": 0.1},
        f"{usps} adda_joint": {"rates": (("*/critic/*", 0.1),)},  # 0.01
        f"{usps} mdd": {"lr": 0.01},
        f"{usps} afn+entropy_min": {"lr": 0.03, "settings": {"afn.step": 0.1}},
        f"{svhn} source_only": {"lr": 0.1},
        f"{svhn} jan": {"lr": 0.03},
        f"{svhn} dann": {"lr": 0.03},
        f"{svhn} adda_joint": {"lr": 0.03},
        f"{svhn} afn+entropy_min": {"lr": 0.1, "settings": {"afn.step": 0.1}},
        f"{svhn} dann+bsp": {"lr": 0.1},
        f"{svhn} mcd": {"lr": 0.03},
    }
    return Recipe(
        name=name, lr=0.01, weight_decay=0.001, gamma=steps / 1000, batch=128, steps=steps, rounds=rounds, by=by
    )


TLLIB_DIGITS = tllib_digits("tllib-digits", 50_000, 20)
"""TLLib's digits scripts: 20 epochs of 2,500 steps, 128 + 128 images, SGD with Nesterov momentum 0.9.

lr(t) = lr (1 + gamma t)^-0.75 with gamma 1e-3 a step, or as the method has it. Bottleneck Linear-BN-ReLU of 256, which
source-only training has none of.
"""


def _digits_short() -> Recipe:
    one, two = tllib_digits("digits-short", 2500, 5), tllib_digits("two epochs", 5000, 10)
    longer = {"steps": two.steps, "rounds": two.rounds, "gamma": two.gamma}
    slow = {"mnist->usps": ("mmd", "cdan", "adda_joint", "mdd", "dann+bsp"), "usps->mnist": ("mmd", "adda_joint")}
    by = dict(one.by)
    for task, names in slow.items():
        for name in names:
            key = f"{task} {name}"
            by[key] = {**longer, **two.by.get(name, {}), **two.by.get(key, {})}
    return one.replace(by=by)


DIGITS_SHORT = _digits_short()
"""The first of TLLib's 20 epochs: its schedules by the step, cut off at 2,500. For machines without an accelerator.

The first two of CDAN, MDD and BSP from MNIST to USPS, and of DAN and ADDA both ways: one leaves these more than 3
points below TLLib's figure. It does so to AFN and MCD as well, which rise more slowly and have one all the same.
"""

KL_ROTATED = Recipe(
    name="kl-rotated", optimizer="adam", lr=0.001, weight_decay=0.0, schedule="constant", batch=64, steps=14_500,
    rounds=20, bottleneck=0,
)  # fmt: skip
"""The code of KL-guided adaptation, for RotatedMNIST: Adam 1e-3, 100 epochs of 9,300 images, 64 a batch."""

DIRT_T = Recipe(
    name="dirt-t", optimizer="adam", lr=0.001, beta1=0.5, weight_decay=0.0, schedule="constant", batch=64, steps=80_000,
    rounds=20, bottleneck=0,
)  # fmt: skip
"""VADA's optimizer: Adam 1e-3 with beta1 0.5, 64 + 64 images, 80,000 steps."""

WRN_CIFAR = Recipe(
    name="wrn-cifar", lr=0.1, weight_decay=0.0005, schedule="cosine", batch=128, steps=70_000, rounds=10, bottleneck=0
)
"""Wide residual networks on CIFAR-10: SGD with Nesterov momentum from 0.1 to 0 along a cosine, 200 epochs of 45,000."""

CACHED = Recipe(
    name="cached-features", lr=0.01, weight_decay=0.001, gamma=10.0, batch=32, steps=300, rounds=3, bottleneck=256,
    weak="none", strong="none",
)  # fmt: skip
"""TLLib's optimizer for objects (batch 32, SGD with Nesterov momentum, bottleneck 256), on features that are frozen."""

CDAN_DIGITS = Recipe(
    name="cdan-digits", lr=0.01, nesterov=False, schedule="step", gamma=0.5, power=10.0, batch=64, steps=46_850,
    rounds=50, bottleneck=0, rates=(("*/critic/*", 1.0, "constant"),),
    by={
        "usps->mnist": {"power": 8.0},
        "svhn_cropped->mnist": {"lr": 0.03, "gamma": 0.3, "power": 16.0},
        "cdan": {"settings": {"gamma": 46.85, "hidden": (500, 500), "entropy": True}},
        "dann": {"settings": {"gamma": 46.85, "hidden": (500, 500)}},
    },
)  # fmt: skip
"""CDAN's code on digits, for backbones `lenet_dropout` and `dtn`: 50 epochs of the larger set, 64 + 64 images.

The rate is halved every 5 epochs (every 6 from USPS; times 0.3 every 3 from SVHN); the adversary's is not decayed. The
reversed gradient counts 2 / (1 + exp(-10 t / 10000)) - 1 at step t. There the adversarial loss starts in the second
epoch, from SVHN in the first, and the discriminator has dropout; here it starts at once, and has batch norm.
"""

MCD_DIGITS = Recipe(
    name="mcd-digits", optimizer="adam", lr=0.0002, weight_decay=0.0005, schedule="constant", batch=128, steps=3000,
    rounds=20, bottleneck=0, by={"svhn_cropped->mnist": {"steps": 93_800}},
)  # fmt: skip
"""MCD's code on digits, for its own networks (`mcd_usps`, `mcd_digits`): Adam 2e-4, 128 + 128 images, 200 epochs.

An epoch is one of 2,000 MNIST images (P-2000), 15 steps; from SVHN one of 60,000, 469 steps.
"""

ADAMATCH_DIGITS = Recipe(
    name="adamatch-digits", lr=0.03, weight_decay=0.0005, schedule="cosine", batch=64, steps=131_072, rounds=20,
    bottleneck=0, weak="shift", strong="randaugment",
)  # fmt: skip
"""AdaMatch on digits, for `wrn_28_2` at 32x32x3: SGD 0.03, weight decay 5e-4.

There the rate falls to a quarter along a cosine (here to 0), a step has 3 target rows to a source row (here 1), and the
strong views are CTAugment's (here RandAugment's). The number of steps is not published for digits.
"""
