"""From CIFAR-10 as the source: to corruptions of it, and to STL-10 where it is present.

What it reproduces: no table. It asks of one source what it is worth on nearer and farther targets: CIFAR-10-C at
severity 5 (four corruptions, one of each family; made here, where the published files are a download of 2.9 GB) and the
nine classes of STL-10 that it shares.

What to expect: brightness costs `source_only` little, noise most; `bn_adapt` recovers much of noise and contrast
without a label, and little of STL-10, where the classes' photographs differ and not their pixels alone; `fine_tune` on
the target's labels is the bound.

What it costs (estimated): 4 methods x 5 tasks x 3 seeds of 10,000 steps of WideResNet-28-2: half a day on an
accelerator, out of reach without one. STL-10 is a download of 2.6 GB; a task whose data are absent is left out and
named. `cifar10-source-smoke` takes six steps.
"""

from dataclasses import replace

from tlx import Overrides, Suite

STRATEGIES = ("source_only", "bn_adapt", "coral", "fine_tune")
FAMILIES = ("gaussian_noise", "defocus_blur", "brightness", "contrast")

SUITE = Suite(
    name="cifar10-source",
    tasks=(*(f"cifar10->cifar10_corrupted:{name}/5" for name in FAMILIES), "cifar10->stl10"),
    strategies=STRATEGIES,
    backbone="wrn_28_2",
    recipe="wrn-cifar",
    seeds=3,
    overrides=Overrides({name: {"recipe": {"steps": 10_000}} for name in STRATEGIES}),
)

SMOKE = replace(
    SUITE,
    name="cifar10-source-smoke",
    tasks=SUITE.tasks[:2],
    strategies=("source_only", "fine_tune"),
    backbone="lenet_bn",
    recipe="smoke",
    seeds=2,
    overrides=Overrides(),
)
