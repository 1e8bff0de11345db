"""The recipes of the tables of `tlx reproduce`: a paper's own, and a short one for two CPU cores."""

from tlx import Recipe

SHOT_DIGITS = Recipe(
    name="shot-digits",
    lr=0.01,
    weight_decay=0.001,
    batch=64,
    steps=31_650,
    rounds=180,
    bottleneck=0,
    views=(("weak", "digits"), ("strong", "digits_strong")),
)
"""SHOT's digits: SGD with Nesterov momentum, 0.01 (1 + 10 p)^-0.75 in each phase, 30 epochs of source and of target.

An epoch is 938 steps of MNIST or 117 of USPS (7,438 rows), 64 a batch; 31,650 steps are 30 of both.
"""

SHOT_SHORT = SHOT_DIGITS.replace(name="shot-short", steps=4_000, rounds=16)

KL_SHORT = Recipe(
    name="kl-short", optimizer="adam", lr=0.001, weight_decay=0.0, schedule="constant", batch=128, steps=2_000,
    rounds=10, bottleneck=0,
)  # fmt: skip
"""The optimizer of KL-guided adaptation's code, for a few epochs."""

ADDA_DIGITS = Recipe(
    name="adda-digits", optimizer="adam", lr=0.001, beta1=0.5, weight_decay=2.5e-5, schedule="constant", batch=128,
    steps=20_000, rounds=20, bottleneck=0,
)  # fmt: skip
"""ADDA's script: 10,000 steps on the source at 1e-3, and 10,000 of adaptation at 2e-4 with beta1 0.5.

Its beta1 is 0.9 on the source; a recipe has one.
"""

ADDA_SHORT = ADDA_DIGITS.replace(name="adda-short", steps=2_000, rounds=10, batch=64)

FRENCH_DIGITS = Recipe(
    name="french-digits", optimizer="adam", lr=0.001, weight_decay=0.0, schedule="constant", batch=256, steps=70_500,
    rounds=20, bottleneck=0, views=(("weak", "shift + affine(0.1) + noise(0.05)"), ("strong", "digits_strong")),
)  # fmt: skip
"""Self-ensembling's digits: Adam 1e-3, 300 epochs of 60,000 images, 256 a batch, with the augmentation "TFA".

TFA: shifts of up to 2 pixels, an affine map whose entries vary by 0.1, noise of 0.1 standard deviations (of 0.5).
"""

FRENCH_SHORT = FRENCH_DIGITS.replace(name="french-short", steps=2_000, rounds=10, batch=128)

OSBP_DIGITS = Recipe(
    name="osbp-digits", lr=0.001, weight_decay=0.001, schedule="cosine", batch=128, steps=11_800, rounds=20,
    bottleneck=0,
)  # fmt: skip
"""The public code of OSBP on digits: SGD with Nesterov momentum, 1e-3 along a cosine, 200 epochs, 128 + 128 images."""

OSBP_SHORT = OSBP_DIGITS.replace(name="osbp-short", steps=1_000, rounds=5)

ASA_DIGITS = Recipe(
    name="asa-digits", lr=0.02, nesterov=False, weight_decay=0.0005, schedule="linear_schedule",
    schedule_options=(("end_value", 0.001), ("transition_steps", 6 / 13), ("transition_begin", 6 / 13)),
    rates=(("*/critic/*", 1.0, "constant"),), batch=64, steps=65_000, rounds=13, bottleneck=0,
)  # fmt: skip
"""Adversarial support alignment, USPS to MNIST: SGD 0.02, momentum 0.9, to a thousandth along a line; D's rate stays.

The line goes from step 30,000 to 60,000 of 65,000.
"""

ASA_SHORT = ASA_DIGITS.replace(name="asa-short", steps=1_000, rounds=5)

IWDAN_DIGITS = Recipe(
    name="iwdan-digits", lr=0.02, nesterov=False, weight_decay=0.0005, schedule="step", gamma=0.5, power=14.0,
    rates=(("*/critic/*", 1.0, "constant"),), batch=64, steps=65_590, rounds=70, bottleneck=0,
)  # fmt: skip
"""IWDAN's code on digits: SGD 0.02, momentum 0.9, 70 epochs of the larger set, 64 + 64 images.

The rate is halved every 5 epochs (every 6 from USPS); the adversary's is not decayed.
"""

IWDAN_SHORT = IWDAN_DIGITS.replace(name="iwdan-short", steps=1_000, rounds=5, power=2.0)
"""The same for 1,000 steps, whose rate is halved once."""

NOTE_CIFAR10 = Recipe(
    name="note-cifar10", lr=0.1, weight_decay=0.0005, schedule="cosine", batch=128, steps=78_000, rounds=10,
    bottleneck=0,
    views=(
        ("source", "cifar"),
        ("weak", "cifar"),
        (
            "strong",
            "color_jitter(0.4, 0.3, 0.5, 0.06) + rotate(15, 'edge') + translate(0.0625, 'edge')"
            " + scale(0.9, 1.1, 'edge') + blur(0.001, 0.5) + flip + noise(0.005)",
        ),
    ),
).replace(
    phases={"test": {"optimizer": "adam", "lr": 0.001, "weight_decay": 0.0, "schedule": "constant", "batch": 64}}
)  # fmt: skip
"""NOTE's code on CIFAR-10: SGD with Nesterov momentum from 0.1 to 0 along a cosine, 200 epochs; Adam 1e-3 at test time.

The source is shown flipped and cropped, 128 images a step; a batch of the stream has 64. The strong view is CoTTA's,
but for its change of gamma.
"""

NOTE_SHORT = NOTE_CIFAR10.replace(name="note-short", steps=2_000, rounds=2)
