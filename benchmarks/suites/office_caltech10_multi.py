"""Office-Caltech-10, three domains to the fourth, on cached features of one ImageNet network.

What it reproduces: no single table. The neighbours are results of a whole ResNet-50 that is trained on the photographs,
as the paper of Multi-EPL prints them; ours is a bottleneck and a head on frozen features of EfficientNet-Lite0. P-OC10.

| target | amazon | caltech | dslr | webcam | mean |
|---|---|---|---|---|---|
| sources combined (`source_only`) | 95.5 | 91.6 | 99.4 | 99.3 | 96.4 |
| M3SDA | 95.1 | 93.6 | 99.5 | 99.9 | 97.0 |
| M3SDA-beta (`m3sda`) | 94.4 | 91.7 | 99.8 | 99.4 | 96.3 |

What to expect: three sources leave little to gain. dslr and webcam show the same things, so each is nearly solved by
the other; in dslr one image is 0.6 points.

How to run it: make the features once, as `office-caltech10` says, which shares them. Then

    tlx bench office-caltech10-multi

What it costs (estimated): 28 runs of 3 seeds of a linear layer with batch norm and a classifier, 300 steps of 96 rows:
some minutes on two cores.
"""

from tlx import Overrides, Suite

DOMAINS = ("amazon", "caltech", "dslr", "webcam")
STRATEGIES = ("source_only", "dann", "mmd", "mcd", "mdan", "m3sda", "mfsan")


def _features(domain: str) -> str:
    return f"features:lite0/office_caltech10:{domain}"


def _others(domain: str) -> str:
    return "+".join(_features(other) for other in DOMAINS if other != domain)


SUITE = Suite(
    name="office-caltech10-multi",
    tasks=tuple(f"{_others(domain)}->{_features(domain)}@P-OC10" for domain in DOMAINS),
    strategies=STRATEGIES,
    backbone="features",
    recipe="cached-features",
    overrides=Overrides({name: {"recipe": {"batch": 96}} for name in STRATEGIES}),  # 32 of each source
    seeds=3,
)
