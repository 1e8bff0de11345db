"""Office-Caltech-10: twelve shifts between four domains of photographs, on cached features of one ImageNet network.

What it reproduces: no single table. The neighbours are results on other frozen features of the same photographs: the
repository that they come from (redhat12345/OfficeCaltechDomainAdaptation) gives as means over the twelve pairs, without
adaptation and with subspace alignment, 0.748 and 0.827 on CaffeNet's features, 0.870 and 0.890 on GoogLeNet's, with a
classifier that is not trained by gradient and on draws of the source. Ours are EfficientNet-Lite0's. P-OC10.

What to expect: `source_only` is lowest from the small domains, dslr and webcam, to the large ones, and near 1 between
the two, which show the same things. In dslr one image is 0.006.

How to run it: get the photographs and the weights, and make the features, once, in a few minutes on two cores:

    tlx data prepare office_caltech10:amazon office_caltech10:caltech office_caltech10:dslr office_caltech10:webcam \\
        --from DIR
    tlx features office_caltech10:amazon office_caltech10:caltech office_caltech10:dslr office_caltech10:webcam \\
        --name lite0 --backbone efficientnet_lite0 --weights efficientnet_lite0.safetensors --protocol P-OC10
    tlx bench office-caltech10

What it costs: 72 runs of 3 seeds of a linear layer with batch norm and a classifier; see
`benchmarks/results/office-caltech10.md`.
"""

from tlx import Suite

DOMAINS = ("amazon", "caltech", "dslr", "webcam")
EDITION = "lite0"

SUITE = Suite(
    name="office-caltech10",
    tasks=tuple(
        f"features:{EDITION}/office_caltech10:{source}->features:{EDITION}/office_caltech10:{target}@P-OC10"
        for source in DOMAINS
        for target in DOMAINS
        if source != target
    ),
    strategies=("source_only", "coral", "mmd", "dann", "kl", "shot"),
    backbone="features",
    recipe="cached-features",
    seeds=3,
)
