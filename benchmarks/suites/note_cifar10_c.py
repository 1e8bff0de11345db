"""CIFAR-10-C at severity 5 as a stream, its classes mixed or in runs: methods at test time.

What it reproduces: CIFAR-10-C of Gong et al., "NOTE: Robust Continual Test-time Adaptation Against Temporal
Correlation" (NeurIPS 2022), with the figures of its repository (`tlx reproduce note-cifar10-c`): means over the fifteen
corruptions, each a stream that the source model is adapted to by itself, i.i.d. (P-note-iid) or correlated, in runs of
a class (P-note-correlated). Network and recipe are the repository's: ResNet-18 for 32x32, trained by SGD for 200
epochs; at test time batches of 64 and Adam 1e-3, 1e-4 for `note`, whose source has instance-aware batch norm (k 4).
`bn_adapt` takes the batch's statistics alone, and `onda` batches of 10. `note-cifar10-c-star` is the repository's
NOTE*: TENT on the network of NOTE.

Where it is not theirs: the source model is trained anew for each stream, and on 49,500 of 50,000 images; the order of
the stream is one draw of ours. `note` evaluates the rows of a batch together, before it moves; there each is labelled
as it comes, which is the same. `onda` moves its statistics before it predicts a batch, there after it. `cotta` predicts
by one view, there by 32 where the source is unsure, and its views do not change gamma. Pseudo-labels at test time are
no strategy of tlx.

What to expect: on the correlated stream all that trusts a batch's statistics far below `source_only`, `note` far above
it; on the i.i.d. one `tent`, `cotta` and NOTE* near 82 percent, `source_only` near 58.

What it costs (estimated): 7 methods x 30 streams x 3 seeds, 78,000 steps of ResNet-18 for each: weeks of an
accelerator, where the paper trains six source models; choose streams by `--tasks`. `note-cifar10-c-short` has 2,000
steps and one seed: a day. CIFAR-10-C is a download of 2.9 GB.
"""

from dataclasses import replace

from tlx import Overrides, Suite

CORRUPTIONS = (
    *("gaussian_noise", "shot_noise", "impulse_noise", "defocus_blur", "glass_blur", "motion_blur", "zoom_blur"),
    *("snow", "frost", "fog", "brightness", "contrast", "elastic_transform", "pixelate", "jpeg_compression"),
)
AWARE = "resnet18_cifar_iabn"


def _streams(protocol: str) -> tuple[str, ...]:
    return tuple(f"cifar10->cifar10_c:{name}/5@{protocol}" for name in CORRUPTIONS)


SUITE = Suite(
    name="note-cifar10-c",
    tasks=(*_streams("P-note-correlated"), *_streams("P-note-iid")),
    strategies=("source_only", "bn_adapt", "onda", "tent", "lame", "cotta", "note"),
    backbone="resnet18_cifar",
    recipe="note-cifar10",
    overrides=Overrides(
        {
            "bn_adapt": {"settings": {"prior": 0.0}},
            "onda": {"recipe": {"phases": {"test": {"batch": 10}}}},
            "tent": {"settings": {"rate": 1.0}},
            "cotta": {"settings": {"rate": 1.0}},
            "note": {"backbone": AWARE, "settings": {"rate": 0.1}},
        }
    ),
    seeds=3,
)

STAR = replace(
    SUITE,
    name="note-cifar10-c-star",
    tasks=_streams("P-note-iid"),
    strategies=("tent",),
    backbone=AWARE,
    overrides=Overrides({"tent": {"settings": {"rate": 1.0}}}),
)

SHORT = replace(SUITE, name="note-cifar10-c-short", recipe="note-short", seeds=1)

STAR_SHORT = replace(STAR, name="note-cifar10-c-star-short", recipe="note-short", seeds=1)
