"""The recipes of transfer from ImageNet, each with what it leaves out of the published one.

None has a bottleneck: the classifier is on the backbone's features. Publications count epochs; a recipe counts steps.
"""

from tlx import Recipe

RESNET18 = Recipe(
    name="resnet18-transfer", lr=0.001, momentum=0.9, nesterov=False, weight_decay=0.0, schedule="step", gamma=0.1,
    power=25 / 7, batch=64, steps=19_550, rounds=5, bottleneck=0,
    views=(("weak", "flip"), ("strong", "digits_strong")),
)  # fmt: skip
"""PyTorch's tutorial on transfer learning, on CIFAR-10: SGD 0.001, momentum 0.9, a tenth every 7 of 25 epochs, 224 px.

Deviations: 64 images a batch (the tutorial: 4, on 244 photographs); scaled images where it crops and scales at random.
"""

VGG16 = Recipe(
    name="vgg16-transfer", lr=0.0001, momentum=0.9, nesterov=True, weight_decay=0.0, schedule="inverse", gamma=0.002,
    power=1.0, batch=32, steps=2000, rounds=5, bottleneck=0,
    views=(("weak", "flip"), ("strong", "digits_strong")),
)  # fmt: skip
"""Flattened VGG-16 under Dense 1024: SGD with Nesterov momentum, 1e-4, and Keras' decay 1e-6 a step.

lr(t) = lr / (1 + 1e-6 t): gamma = 1e-6 * steps = 0.002, so another number of steps wants another gamma. For the
backbone `vgg16_dense1024`. Deviations: no dropout between its dense layers.
"""

BIT = Recipe(
    name="bit-hyperrule", lr=0.003, momentum=0.9, nesterov=False, weight_decay=0.0, schedule="step", gamma=0.1,
    power=10 / 3, warmup=0.05, batch=512, steps=10_000, rounds=5, bottleneck=0,
    views=(("weak", "flip + crop(4)"), ("strong", "digits_strong")),
)  # fmt: skip
"""BiT-HyperRule for 20,000 to 500,000 labels: SGD 0.003, 512 a batch, 500 of 10,000 steps of warm-up, a tenth at 30, 60
and 90%. Kolesnikov et al., "Big Transfer", ECCV 2020.

Deviations: no mixup; crops by a shift of 4 of the stored pixels where it scales images to 160 and crops 128.
"""

BIT_SMALL = BIT.replace(name="bit-hyperrule-small", power=5.0, warmup=0.2, steps=500)
"""BiT-HyperRule for fewer than 20,000 labels: 500 steps, 100 of them warm-up, a tenth at 40, 60 and 80%; no mixup."""

SIMCLR_LINEAR = Recipe(
    name="simclr-linear", lr=0.1, weight_decay=0.0, schedule="cosine", batch=256, steps=1, rounds=1, bottleneck=0,
    views=(("weak", "none"), ("strong", "digits_strong")), eval_batch=250,
)  # fmt: skip
"""The linear evaluation of Kornblith et al. (CVPR 2019) and Chen et al. (SimCLR, ICML 2020): L-BFGS on frozen features.

The solver and its strengths are settings of `feature_extraction`, which takes no step of its own. Deviations: 7
strengths from 1e-6 to 1 by default where SimCLR has 45 from 1e-6 to 1e5; held-out rows are a fifth of the labels.
"""

SIMCLR_FINETUNE = Recipe(
    name="simclr-finetune", lr=0.01, momentum=0.9, nesterov=True, weight_decay=0.0001, schedule="cosine", batch=256,
    steps=20_000, rounds=5, bottleneck=0,
    views=(("weak", "flip + crop(4)"), ("strong", "digits_strong")),
)  # fmt: skip
"""SimCLR's fine-tuning: SGD with Nesterov momentum, 256 a batch, 20,000 steps along a cosine.

Deviations: one learning rate and weight decay where the paper picks them from 7 x 8 on held-out rows; crops by a shift
of 4 of the stored pixels where it crops and scales at random; batch norm's momentum as the backbone has it.
"""

FINETUNE_SHORT = SIMCLR_FINETUNE.replace(
    name="finetune-short", batch=32, steps=150, rounds=1, views=(("weak", "flip"), ("strong", "digits_strong"))
)
"""SimCLR's fine-tuning in 150 steps of 32 images, flipped: for some hundred photographs on two CPU cores."""
