"""The recipes of the suites: what is common to all methods of a paper or a code base. A suite changes single fields."""

from tlx import Recipe

DEFAULT = Recipe(name="default")
QUICK = Recipe(name="quick", lr=0.01, weight_decay=0.001, batch=32, steps=400, rounds=5)
"""TLLib's optimizer and bottleneck for 400 steps. Batch norm in it makes `source_only` collapse on digits."""

QUICK_PLAIN = Recipe(
    name="quick-plain", optimizer="adam", lr=0.001, weight_decay=0.0, schedule="constant", batch=32, steps=400,
    rounds=4, bottleneck=0,
)  # fmt: skip
"""Adam 1e-3 for 400 steps of 32 + 32 images, without batch norm: both domains go through the network apart."""

QUICK_PRIOR = Recipe(name="quick-prior", lr=0.01, weight_decay=0.001, batch=32, steps=200, rounds=5, bottleneck=0)
SMOKE = Recipe(name="smoke", lr=0.05, batch=16, steps=6, rounds=2)


TLLIB_DIGITS = Recipe(name="tllib-digits", lr=0.01, weight_decay=0.001, gamma=50.0, batch=128, steps=50_000, rounds=20)
"""TLLib's digits scripts: 20 epochs of 2,500 steps, 128 + 128 images, SGD with Nesterov momentum 0.9.

lr(t) = lr (1 + gamma t)^-0.75 with gamma 1e-3 a step, or as the suite `digits` has it for a method. Bottleneck
Linear-BN-ReLU of 256, which source-only training has none of. TLLib's DAN has no batch norm there, and its DAN and JAN
have a dropout of 0.5.
"""

DIGITS_SHORT = Recipe(name="digits-short", lr=0.01, weight_decay=0.001, gamma=2.5, batch=128, steps=2500, rounds=5)
"""The first of TLLib's 20 epochs: its schedules by the step, cut off at 2,500. For machines without an accelerator."""

KL_ROTATED = Recipe(
    name="kl-rotated", optimizer="adam", lr=0.001, weight_decay=0.0, schedule="constant", batch=64, steps=14_500,
    rounds=20, bottleneck=0,
)  # fmt: skip
"""The code of KL-guided adaptation, for RotatedMNIST: Adam 1e-3, 100 epochs of 9,300 images, 64 a batch."""

DOMAINBED = Recipe(
    name="domainbed", optimizer="adam", lr=0.001, weight_decay=0.0, schedule="constant", batch=320, steps=5_000,
    rounds=50, bottleneck=0,
)  # fmt: skip
"""DomainBed's defaults for MNIST: Adam 1e-3 for 5,000 steps, evaluated every 100; 64 rows of each of five sources."""

DOMAINBED_SHORT = DOMAINBED.replace(name="domainbed-short", batch=80, steps=300, rounds=3)

M3SDA_DIGITS = Recipe(
    name="m3sda-digits", optimizer="adam", lr=0.0002, weight_decay=0.0005, schedule="constant", batch=512,
    steps=20_000, rounds=40, bottleneck=0,
)  # fmt: skip
"""M3SDA's code on digits: Adam 2e-4, 128 images of each of four sources, until an epoch ends after 20,000 steps.

Its target batch is 128; here the target has as many rows as all sources together.
"""

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
    views=(("weak", "none"), ("strong", "none")),
)  # fmt: skip
"""TLLib's optimizer for objects (batch 32, SGD with Nesterov momentum, bottleneck 256), on features that are frozen."""

CDAN_DIGITS = Recipe(
    name="cdan-digits", lr=0.01, nesterov=False, schedule="step", gamma=0.5, power=10.0, batch=64, steps=46_850,
    rounds=50, bottleneck=0, rates=(("*/critic/*", 1.0, "constant"),),
)  # fmt: skip
"""CDAN's code on digits: 50 epochs of the larger set, 64 + 64 images. Its suite is `cdan-digits`.

The rate is halved every 5 epochs; the adversary's is not decayed.
"""

MCD_DIGITS = Recipe(
    name="mcd-digits", optimizer="adam", lr=0.0002, weight_decay=0.0005, schedule="constant", batch=128, steps=3000,
    rounds=20, bottleneck=0,
)  # fmt: skip
"""MCD's code on digits: Adam 2e-4, 128 + 128 images, 200 epochs of 15 steps. Its suite is `mcd-digits`."""

ADAMATCH_DIGITS = Recipe(
    name="adamatch-digits", lr=0.03, weight_decay=0.0005, schedule="cosine", batch=64, steps=131_072, rounds=20,
    bottleneck=0, views=(("weak", "shift"), ("strong", "randaugment")),
)  # fmt: skip
"""AdaMatch on digits, for `wrn_28_2` at 32x32x3: SGD 0.03, weight decay 5e-4.

There the rate falls to a quarter, as 0.03 cos(p arccos(1/4)), and is 0.79 of its start half way; here it falls to 0 as
(1 + cos(pi p)) / 2, and is 0.50. There a step has 3 target rows to a source row (here 1), and the
strong views are CTAugment's (here RandAugment's). The number of steps is not published for digits.
"""
