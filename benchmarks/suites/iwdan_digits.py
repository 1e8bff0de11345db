"""MNIST and USPS, whole and with a source of few 0 to 4: adversarial adaptation with weights of classes, and without.

What it reproduces: "Digits" and "sDigits" of Tachet des Combes et al., "Domain Adaptation with Conditional Distribution
Matching and Generalized Label Shift" (NeurIPS 2020), by the scripts of its repository (`tlx reproduce iwdan-digits`).
Of sDigits the source has 30 percent of its digits 0 to 4 (P-iwdan-mnist, P-iwdan-usps). Network and recipe are the
scripts': LeNet with dropout, SGD 0.02 for 70 epochs of the larger set, whose rate is halved every 5 epochs, every 6
from USPS, and not for the discriminator. The reversed gradient counts 2 / (1 + exp(-10 t / 10000)) - 1 at step t.
Weights of classes are renewed every epoch, and move half of the way.

Where it is not theirs: their adversarial loss begins in the second epoch, and their discriminator has dropout of 0.5
and no batch norm; the first halving is an epoch later here. Their loss on labels counts w as well, which their
equation 8 does not, and here it does not. Seeds share one draw of the source's rows. How many seeds the published means
are of, at which epoch, and the figures of each direction, were not at hand.

What to expect: on whole sets `iwdan` a point or two above `dann`, `iwcdan` as `cdan`; with few 0 to 4, both above
theirs by five to ten points.

What it costs (estimated): 5 methods x 4 tasks x 5 seeds of 65,590 steps on LeNet (42,140 from a part of MNIST): one to
two hours of two CPU cores for a seed, minutes on an accelerator; `iwdan-digits-short` has 1,000 steps, over which the
rate is halved once, and the reversed gradient grows as DANN's does: 45 seconds of a core for a seed.
"""

from dataclasses import replace

from tlx import Overrides, Suite

METHODS = ("dann", "cdan", "iwdan", "iwcdan")
FEW = "mnist->usps@P-iwdan-mnist"
FEW_STEPS = 42_140


def _adversary(gamma: float) -> dict:
    """The discriminator's layers, and `gamma`: 10 for every 10,000 steps."""
    return {"settings": {"gamma": gamma, "hidden": (500, 500)}}


SUITE = Suite(
    name="iwdan-digits",
    tasks=("mnist->usps", "usps->mnist", FEW, "usps->mnist@P-iwdan-usps"),
    strategies=("source_only", *METHODS),
    backbone="lenet_dropout",
    recipe="iwdan-digits",
    overrides=Overrides({"usps->mnist": {"recipe": {"power": 70 / 6}}, FEW: {"recipe": {"steps": FEW_STEPS}}})
    | Overrides({name: _adversary(65.59) for name in METHODS})
    | Overrides({f"{FEW} {name}": _adversary(42.14) for name in METHODS}),
    seeds=5,
)

SHORT = replace(
    SUITE,
    name="iwdan-digits-short",
    recipe="iwdan-short",
    overrides=Overrides({name: _adversary(10.0) for name in METHODS}),
    seeds=3,
)
