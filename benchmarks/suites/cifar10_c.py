"""CIFAR-10 under the fifteen corruptions of CIFAR-10-C at severity 5, adapted to at test time.

What it reproduces: the order of the methods in Wang et al., "Tent: Fully Test-Time Adaptation by Entropy
Minimization" (ICLR 2021): the source model, then batch statistics of the test stream, then TENT. Its numbers are of a
ResNet-26; the network here is WideResNet-28-2, and they do not compare. Protocol P-C10-C: CIFAR-10's train rows but a
tenth, which is held out to select by; the score is over the 10,000 corrupted test images.

What to expect: noise and blur cost `source_only` tens of points, brightness few; `tent` recovers most of it by batch
statistics alone, and has to see batches of many classes.

What it costs (estimated): 2 methods x 15 tasks x 3 seeds of 70,000 steps of WideResNet-28-2: a day on an accelerator,
out of reach without one. The source model is trained anew for each corruption. CIFAR-10-C is a download of 2.9 GB;
without it, `tlx bench cifar10-c --tasks 'cifar10->cifar10_corrupted:gaussian_noise/5'` takes corruptions made here.
`cifar10-c-smoke` takes six steps on two of those.
"""

from dataclasses import replace

from tlx import Suite

CORRUPTIONS = (
    *("gaussian_noise", "shot_noise", "impulse_noise", "defocus_blur", "glass_blur", "motion_blur", "zoom_blur"),
    *("snow", "frost", "fog", "brightness", "contrast", "elastic_transform", "pixelate", "jpeg_compression"),
)

SUITE = Suite(
    name="cifar10-c",
    tasks=tuple(f"cifar10->cifar10_c:{name}/5" for name in CORRUPTIONS),
    strategies=("source_only", "tent"),
    backbone="wrn_28_2",
    recipe="wrn-cifar",
    seeds=3,
)

SMOKE = replace(
    SUITE,
    name="cifar10-c-smoke",
    tasks=tuple(f"cifar10->cifar10_corrupted:{name}/5" for name in ("gaussian_noise", "contrast")),
    backbone="lenet_bn",
    recipe="smoke",
    seeds=2,
)
