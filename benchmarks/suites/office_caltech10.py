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

`office-caltech10-tuned` is the same on features that were tuned on the labels of each pair's source. The first two
commands once for each of amazon, caltech, dslr and webcam:

    tlx run office_caltech10:amazon@P-OC10 fine_tune --backbone efficientnet_lite0 --recipe finetune-short --seeds 1 \\
        --weights efficientnet_lite0.safetensors --set pretrain=0 --set rate=1 --set augment=true --save weights/amazon
    tlx features office_caltech10:amazon office_caltech10:caltech office_caltech10:dslr office_caltech10:webcam \\
        --name lite0-amazon --backbone efficientnet_lite0 --weights weights/amazon/seed-0.safetensors --protocol P-OC10
    tlx bench office-caltech10-tuned

The tenth of the source that `source-val` selects by has been seen there: use `last`.

What it costs: 72 runs of 3 seeds of a linear layer with batch norm and a classifier; see
`benchmarks/results/office-caltech10.md`.
"""

from dataclasses import replace

from tlx import Suite

DOMAINS = ("amazon", "caltech", "dslr", "webcam")


def _pairs(edition: str) -> tuple[str, ...]:
    def features(source: str, domain: str) -> str:
        return f"features:{edition.format(source)}/office_caltech10:{domain}"

    return tuple(
        f"{features(source, source)}->{features(source, target)}@P-OC10"
        for source in DOMAINS
        for target in DOMAINS
        if source != target
    )


SUITE = Suite(
    name="office-caltech10",
    tasks=_pairs("lite0"),
    strategies=("source_only", "coral", "mmd", "dann", "kl", "shot"),
    backbone="features",
    recipe="cached-features",
    seeds=3,
)

TUNED = replace(SUITE, name="office-caltech10-tuned", tasks=_pairs("lite0-{}"))
