"""Photographs of one's own: from a folder of labelled ones to another of the same classes, on cached features.

What it shows: what a network trained on ImageNet gives on your photographs without adaptation, what six methods of
adaptation add to it, and what the target's own labels would give (`target_only`).

How to run it, with `a` and `b` folders that have a sub-folder of photographs for each class:

    tlx features folder:/data/a folder:/data/b --name mine \\
        --backbone efficientnet_lite0 --weights efficientnet_lite0.safetensors --protocol P-OC10
    tlx bench folder --tasks "features:mine/folder:/data/a->features:mine/folder:/data/b"

Without `--tasks` it is the folders `source` and `target` of the working directory under the name `lite0`. P-OC10 only
says how the photographs are shown to the network; the score is over the fifth of each class of `b` that is test.

What to expect: a linear classifier on good features is hard to beat where the folders look alike.

What it costs: the features take a tenth of a second a photograph on two cores, once; each run takes seconds.
"""

from tlx import Suite

SUITE = Suite(
    name="folder",
    tasks=("features:lite0/folder:source->features:lite0/folder:target",),
    strategies=("source_only", "coral", "mmd", "dann", "kl", "shot", "target_only"),
    backbone="features",
    recipe="cached-features",
    seeds=3,
)
