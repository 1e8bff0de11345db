"""CIFAR-10 from a net trained on ImageNet: linear probe, partial and full fine-tuning, and from scratch.

What it reproduces: the protocol, not the numbers, of table B.5 of Chen et al., "A Simple Framework for Contrastive
Learning of Visual Representations" (SimCLR, ICML 2020), in percent:

| ResNet-50 at 224x224, all 50,000 labels | linear probe | fine-tuned | from scratch |
|---|---|---|---|
| supervised on ImageNet | 93.6 | 97.5 | 95.9 |
| SimCLR | 90.6 | 97.7 | |

These are neighbours, not targets: the net here is EfficientNet-Lite0, a tenth of the work of a ResNet-50; learning rate
and weight decay are fixed, where the paper picks them on held-out labels; augmentation is a flip and a shift, where it
crops at random; and there may be fewer labels and pixels. Its weights are a file to be named:

    tlx bench cifar10-transfer --weights efficientnet_lite0.safetensors

What to expect: fine-tuning is the best, some points above the probe, and training from scratch tens of points below.

What it costs (estimated): 4 methods x 4 numbers of labels x 3 seeds, 5,000 steps of 64 images at 224x224 but for the
probe: hours on an accelerator. For two CPU cores there are `cifar10-transfer-reduced`, 1,000 and 5,000 labels shown at
64x64, 1,000 steps of 32 images: 40 minutes; and `cifar10-transfer-probe`, the probe at 224x224 on 1,000, 5,000 and all
labels, on features that are computed once:

    tlx features cifar10 --name lite0 --backbone efficientnet_lite0 --weights efficientnet_lite0.safetensors \\
        --protocol P-224-lite
    tlx bench cifar10-transfer-probe

What both gave, and in what time, is in `benchmarks/results/cifar10-transfer.md`. `cifar10-transfer-smoke` takes a few
steps.
"""

from dataclasses import replace

from tlx import Overrides, Suite

TUNING = {"lr": 0.01, "batch": 64, "steps": 5000, "rounds": 2}
PROBING = {"settings": {"pretrain": 0}, "recipe": {"steps": 1, "rounds": 1}}
FINE_TUNE = {"pretrain": 0, "rate": 1.0, "augment": True}
FEW = {"lr": 0.01, "batch": 32, "steps": 1000, "rounds": 1}

SUITE = Suite(
    name="cifar10-transfer",
    tasks=tuple(f"cifar10@P-224-lite{shots}" for shots in ("/10", "/100", "/500", "")),
    strategies=("feature_extraction", "partial_fine_tune", "fine_tune", "from_scratch"),
    backbone="efficientnet_lite0",
    recipe="simclr-finetune",
    seeds=3,
    overrides=Overrides(
        {
            "feature_extraction": PROBING,
            "partial_fine_tune": {"settings": {"last": 3, "augment": True}, "recipe": TUNING},
            "fine_tune": {"settings": FINE_TUNE, "recipe": TUNING},
            "from_scratch": {"settings": {"augment": True}, "recipe": {**TUNING, "lr": 0.05}},
        }
    ),
)

REDUCED = replace(
    SUITE,
    name="cifar10-transfer-reduced",
    tasks=("cifar10@P-64-lite/100", "cifar10@P-64-lite/500"),
    strategies=("feature_extraction", "fine_tune", "from_scratch"),
    overrides=Overrides(
        {
            "feature_extraction": PROBING,
            "fine_tune": {"settings": FINE_TUNE, "recipe": FEW},
            "from_scratch": {"settings": {"augment": True}, "recipe": {**FEW, "lr": 0.05}},
        }
    ),
)

PROBE = replace(
    SUITE,
    name="cifar10-transfer-probe",
    tasks=tuple(f"features:lite0/cifar10@P-224-lite{shots}" for shots in ("/100", "/500", "")),
    strategies=("feature_extraction",),
    backbone="features",
    overrides=Overrides({"feature_extraction": PROBING}),
)

SMOKE = replace(
    SUITE,
    name="cifar10-transfer-smoke",
    tasks=("cifar10/10",),
    backbone="lenet_bn",
    recipe="smoke",
    seeds=2,
    overrides=Overrides(
        {
            name: {"settings": change["settings"], "recipe": {"steps": 3, "rounds": 1, "bottleneck": 0}}
            for name, change in SUITE.overrides.items()
        }
    ),
)
