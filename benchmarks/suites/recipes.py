"""The recipes of the suites: what is common to all methods of a paper or a code base. A suite changes single fields."""

from tlx import Recipe

DEFAULT = Recipe(name="default")
QUICK = Recipe(name="quick", lr=0.01, weight_decay=0.001, batch=32, steps=400, rounds=5)
SMOKE = Recipe(name="smoke", lr=0.05, batch=16, steps=6, rounds=2)

TLLIB_DIGITS = Recipe(
    name="tllib-digits", lr=0.01, weight_decay=0.001, gamma=50.0, batch=128, steps=50_000, rounds=20, bottleneck=256
)
"""TLLib's digits scripts: 20 epochs of 2,500 steps, 128 + 128 images, SGD with Nesterov momentum 0.9.

lr(t) = lr (1 + gamma t)^-0.75 with gamma 1e-3 a step: 50 over the whole run. Bottleneck Linear-BN-ReLU of 256.
"""

DIGITS_SHORT = TLLIB_DIGITS.replace(name="digits-short", steps=1000, rounds=5, batch=64, lr=0.01)
"""TLLib's optimizer for a fiftieth of its steps and half of its batch: for machines without an accelerator."""

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
    name="cached-features", lr=0.01, weight_decay=0.001, gamma=10.0, batch=32, steps=500, rounds=5, bottleneck=256,
    weak="none", strong="none",
)  # fmt: skip
"""TLLib's optimizer for objects (batch 32, SGD with Nesterov momentum, bottleneck 256), on features that are frozen."""
