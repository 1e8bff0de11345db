"""RotatedMNIST, five angles to the sixth: domain generalisation, and what adapting to the target is worth beside it.

What it reproduces: Gulrajani and Lopez-Paz, "In Search of Lost Domain Generalization" (ICLR 2021), DomainBed's table of
RotatedMNIST with training-domain validation, target accuracy in percent: selection `source-val` here (`tlx reproduce
domainbed-digits`). Protocol P-DG. Each domain is once the target, and the other five are sources.

| | 0 | 15 | 30 | 45 | 60 | 75 | mean |
|---|---|---|---|---|---|---|---|
| ERM (`source_only`) | 95.9 | 98.9 | 98.8 | 98.9 | 98.9 | 96.4 | 98.0 |
| IRM | 95.5 | 98.8 | 98.7 | 98.6 | 98.7 | 95.9 | 97.7 |
| GroupDRO | 95.6 | 98.9 | 98.9 | 99.0 | 98.9 | 96.5 | 98.0 |

With the network and the default settings of its code: Adam 1e-3, 5,000 steps of 64 rows of each source, IRM's penalty
of weight 100 after 500 steps. The table's figures are of the best of 20 settings drawn at random; this is one. ERM sees
the union of the sources here, and equal blocks of them there. Images are turned bilinear; its code had bicubic then.

`dann`, `coral` and `mmd` are not DomainBed's, which align the sources with each other and never see the target: here
they see the target's rows without labels, so they have no figure there.

What to expect: nothing tells the methods apart but the two ends, 0 and 75, which lie outside the sources' angles.

What it costs (estimated): 6 methods x 6 tasks x 3 seeds of 5,000 steps of 320 rows, twice that with a target: minutes a
run on an accelerator, some hours on two CPU cores. There: `rotated-mnist-dg-short`, 300 steps of 80 rows, some minutes
a seed. MNIST is all that it needs. `rotated-mnist-dg-smoke` takes six steps.
"""

from dataclasses import replace

from tlx import Overrides, Suite

ANGLES = (0, 15, 30, 45, 60, 75)


def _others(angle: int) -> str:
    return "+".join(f"rotated_mnist:{other}" for other in ANGLES if other != angle)


SUITE = Suite(
    name="rotated-mnist-dg",
    tasks=tuple(f"{_others(angle)}->rotated_mnist:{angle}@P-DG" for angle in ANGLES),
    strategies=("source_only", "irm", "group_dro", "dann", "coral", "mmd"),
    backbone="domainbed_mnist",
    recipe="domainbed",
    overrides=Overrides({"irm": {"settings": {"weight": 100.0}}, "dann": {"settings": {"hidden": (256, 256)}}}),
    seeds=3,
)

SHORT = replace(SUITE, name="rotated-mnist-dg-short", recipe="domainbed-short")

SMOKE = replace(
    SUITE,
    name="rotated-mnist-dg-smoke",
    tasks=(SUITE.tasks[0], SUITE.tasks[-1]),
    strategies=("source_only", "irm", "group_dro", "mmd"),
    overrides=Overrides({name: {"recipe": {"batch": 20}} for name in ("source_only", "irm", "group_dro", "mmd")}),
    backbone="lenet",
    recipe="smoke",
    seeds=2,
)
